"""What a configuration file says becomes checked records."""

from __future__ import annotations

from pathlib import Path

import pytest
from realm.configs import ACCESSES, COLLECTION, ENCRYPTION, ENVIRONMENT, RECIPIENT, backup, loaded, schema_of

from bahub.config.load import STDIN, load, locate, parse
from bahub.config.model import Compression


def test_the_smallest_configuration_gets_the_defaults(tmp_path: Path) -> None:
    config = loaded(tmp_path, ACCESSES + ENCRYPTION + backup())
    made = config.backups["www"]
    assert made.access.url == "https://backups.example.org"
    assert made.access.token.reveal() == ENVIRONMENT["API_TOKEN"]
    assert (made.access.connect_timeout, made.access.read_timeout) == (30, 3600)
    assert (made.transport.name, made.transport.type) == ("local", "sh")
    assert made.collection_id == COLLECTION
    assert made.spec == {"paths": ["/srv"]}
    assert (made.schedule, made.timezone, made.notify, made.allow_empty) == (None, None, None, False)
    assert config.state_directory == Path("/users/alice/.local/state/bahub")
    assert config.warnings == ()


def test_everything_can_be_written_out(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    (tmp_path / "token").chmod(0o600)
    config = loaded(
        tmp_path,
        f"""
accesses:
  main: {{url: "https://example.org/backups/", token_file: "${{CONFIG_DIR}}/token", ca_file: ca.pem,
         insecure_tls: false, connect_timeout: 5, read_timeout: 2.5}}
encryption:
  strong: {{recipients: ["{RECIPIENT}"], identity_file: "~/identity"}}
transports:
  far: {{type: ssh, spec: {{host: db.example.org, identity_file: keys/id}}}}
backups:
  db:
    meta: {{type: mysql, access: main, encryption: strong, transport: far, collection_id: {COLLECTION.upper()},
           compression: {{method: zstd, level: 19}}, schedule: "30 2 * * mon-fri", timezone: Europe/Warsaw,
           notify: [chat], allow_empty: true}}
    spec: {{host: db, password: "${{DB_PASSWORD}}"}}
notifiers:
  chat: {{type: mattermost, url: "${{CHAT}}", max_retry_num: 0, connection_timeout: 1.5, events: [backup.failed]}}
  nobody: {{type: void}}
error_handlers:
  errors: {{type: sentry, url: "https://key@errors.example.org/1"}}
state_directory: state
""",
        DB_PASSWORD="p: {#",
        CHAT="https://chat.example.org/hook",
    )
    made = config.backups["db"]
    assert made.access.url == "https://example.org/backups"
    assert made.access.token.reveal() == "from-a-file"
    assert made.access.ca_file == tmp_path / "ca.pem"
    assert (made.access.connect_timeout, made.access.read_timeout) == (5, 2.5)
    assert made.encryption.method == "age"
    assert made.encryption.spec["identity_file"] == str(Path("~/identity").expanduser())
    assert made.transport.spec == {"host": "db.example.org", "identity_file": str(tmp_path / "keys" / "id")}
    assert made.collection_id == COLLECTION
    assert made.compression == Compression("zstd", 19)
    assert (made.schedule, made.timezone) == ("30 2 * * mon-fri", "Europe/Warsaw")
    assert (made.notify, made.allow_empty) == (("chat",), True)
    assert made.spec["password"].reveal() == "p: {#"
    chat = config.notifiers["chat"]
    assert chat.url is not None
    assert (chat.url.reveal(), chat.max_retry_num, chat.connection_timeout) == ("https://chat.example.org/hook", 0, 1.5)
    assert chat.events == ("backup.failed",)
    assert config.notifiers["nobody"].type == "none"
    assert config.error_handlers["errors"].url.reveal() == "https://key@errors.example.org/1"
    assert config.state_directory == tmp_path / "state"


@pytest.mark.parametrize(
    ("encryption", "meta", "kind", "spec", "expected"),
    [
        ("strong", "", "filesystem", "{paths: [/srv]}", Compression("zstd", 3)),
        ("plain", "", "filesystem", "{paths: [/srv]}", Compression("zstd", 3)),
        ("old", "", "filesystem", "{paths: [/srv]}", Compression("gzip", 6)),
        ("strong", ", compression: gzip", "filesystem", "{paths: [/srv]}", Compression("gzip", 6)),
        ("strong", ", compression: none", "filesystem", "{paths: [/srv]}", Compression("none", 0)),
        (
            "strong",
            ", compression: {method: gzip}",
            "mysql",
            '{host: x, password: "${A}", gzip_args: "-2"}',
            Compression("gzip", 2),
        ),
        ("strong", "", "mysql", '{host: x, password: "${A}", gzip_args: "-2"}', Compression("zstd", 3)),
    ],
)
def test_compression_has_a_default_for_each_method(
    tmp_path: Path, encryption: str, meta: str, kind: str, spec: str, expected: Compression
) -> None:
    methods = f"encryption:\n  strong: {{recipients: [{RECIPIENT}]}}\n  old: {{method: gpg, email: a@example.org}}\n  plain: {{method: none}}\n"
    config = loaded(
        tmp_path, ACCESSES + methods + backup(meta=meta, kind=kind, spec=spec, encryption=encryption), A="secret"
    )
    assert config.backups["www"].compression == expected


def test_aes256_is_another_name_of_gpg(tmp_path: Path) -> None:
    """Case 28."""
    config = loaded(tmp_path, ACCESSES + "encryption: {strong: {method: aes256, email: a@example.org}}\n" + backup())
    assert config.backups["www"].encryption.method == "gpg"


@pytest.mark.parametrize("name", ["none", "nothing", "void", "empty", '""', "null"])
def test_each_name_of_the_silent_notifier_means_none(tmp_path: Path, name: str) -> None:
    config = loaded(tmp_path, ACCESSES + ENCRYPTION + f"notifiers: {{nobody: {{type: {name}}}}}\n")
    assert config.notifiers["nobody"].type == "none"


def test_the_file_is_found_by_option_then_variable_then_home() -> None:
    """Case 28."""
    assert locate(Path("a.yaml"), {"CONFIG": "b.yaml"}) == Path("a.yaml")
    assert locate(None, {"CONFIG": "b.yaml"}) == Path("b.yaml")
    assert locate(None, {"CONFIG": ""}) == Path("~/.bahub.yaml").expanduser()


def test_from_standard_input_paths_begin_at_the_directory_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file")
    (tmp_path / "token").chmod(0o600)
    text = 'accesses: {main: {url: "https://x.example", token_file: token, ca_file: "${CONFIG_DIR}/ca"}}\n'
    config = parse(text, STDIN, {"CONFIG_DIR": str(tmp_path)}, adapter=schema_of, transport=schema_of)
    assert config.accesses["main"].token.reveal() == "from-a-file"
    assert config.accesses["main"].ca_file == tmp_path / "ca"
    assert config.path == STDIN


def test_the_state_directory_follows_xdg(tmp_path: Path) -> None:
    text = ACCESSES + ENCRYPTION
    assert loaded(tmp_path, text, XDG_STATE_HOME="/var/state").state_directory == Path("/var/state/bahub")
    assert loaded(tmp_path, text, XDG_STATE_HOME="relative").state_directory == Path("/users/alice/.local/state/bahub")


def test_plain_scalars_mean_what_yaml_1_2_says(tmp_path: Path) -> None:
    spec = "{paths: [no, 2024-01-01, 12:30, 0123, .5]}"
    config = loaded(tmp_path, ACCESSES + ENCRYPTION + backup(spec=spec))
    assert config.backups["www"].spec["paths"] == ["no", "2024-01-01", "12:30", "0123", ".5"]


def test_replaced_texts_may_stand_for_numbers_and_booleans(tmp_path: Path) -> None:
    spec = '{host: x, password: "${PORT}", port: "${PORT}", strict: "${STRICT}"}'
    made = loaded(tmp_path, ACCESSES + ENCRYPTION + backup(kind="mysql", spec=spec), PORT="3306", STRICT="true").backups
    assert (made["www"].spec["port"], made["www"].spec["strict"]) == (3306, True)
    assert made["www"].spec["password"].reveal() == "3306"


def test_replacing_goes_once_over_each_text(tmp_path: Path) -> None:
    spec = '{paths: ["/${A}/x", "$${A}", "$A", "${CONFIG_DIR}", "$$${A}"]}'
    config = loaded(tmp_path, ACCESSES + ENCRYPTION + backup(spec=spec), A="${B}")
    assert config.backups["www"].spec["paths"] == ["/${B}/x", "${A}", "$A", str(tmp_path), "$${A}"]


def test_an_anchor_can_be_used_again(tmp_path: Path) -> None:
    text = ACCESSES + f"encryption:\n  one: &keys {{recipients: [{RECIPIENT}]}}\n  two: *keys\n"
    config = loaded(tmp_path, text)
    assert config.encryption["one"].spec == config.encryption["two"].spec


def test_an_empty_section_counts_as_left_out(tmp_path: Path) -> None:
    config = loaded(tmp_path, ACCESSES + ENCRYPTION + "notifiers:\ntransports: ~\n")
    assert config.notifiers == {}
    assert list(config.transports) == ["local"]


def test_local_may_be_declared_with_another_shell(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, ACCESSES + ENCRYPTION + "transports: {local: {type: sh, spec: {shell: /bin/bash}}}\n" + backup()
    )
    assert config.backups["www"].transport.spec == {"shell": "/bin/bash"}


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "bahub.yaml"
    path.write_text("\ufeff" + ACCESSES)
    assert list(load(path, ENVIRONMENT, adapter=schema_of, transport=schema_of).accesses) == ["main"]
