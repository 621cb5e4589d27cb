"""Every mistake in a configuration file is named, with its place, its line and what is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from realm.configs import ACCESSES, ENCRYPTION, backup, loaded, problems, schema_of

from bahub.config.load import load
from bahub.errors import Misconfigured

WHOLE = ACCESSES + ENCRYPTION


def test_one_run_lists_unknown_keys_duplicate_keys_and_unresolved_names(tmp_path: Path) -> None:
    """Case 29: everything at once, in the order of the file."""
    text = (
        ACCESSES
        + ENCRYPTION
        + """backups:
  one:
    meta:
      type: filesystem
      access: main
      encrypton: strong
      collection_id: "${A}"
    spec: {paths: ["/srv", "${B}"]}
  one: {}
"""
    )
    assert problems(tmp_path, text) == [
        "backups.one.meta (line 5): `encryption` is missing",
        "backups.one.meta.encrypton (line 8): is no known key; did you mean `encryption`?",
        "backups.one.meta.collection_id (line 9): ${A} is not set in the environment",
        "backups.one.spec.paths[1] (line 10): ${B} is not set in the environment",
        "backups.one (line 11): is there twice, first in line 4",
    ]


def test_a_problem_ends_the_program_with_code_3(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as raised:
        loaded(tmp_path, WHOLE + "backup: {}\n")
    assert raised.value.exit_code == 3
    assert [problem.path for problem in raised.value.problems] == ["backup"]


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (", transport: dd", "meta.transport (line 5): `dd` is not defined; accepted: `local`"),
        (", transport: locl", "meta.transport (line 5): `locl` is not defined; did you mean `local`?"),
        (", notify: [chat]", "meta.notify[0] (line 5): `chat` is not defined; there are none"),
        (", notify: chat", "meta.notify (line 5): must be a list"),
        (", schedule: '30 2 * *'", "meta.schedule (line 5): must have five fields (minute, hour, day, month, weekday), or be one of @hourly, @daily, @weekly, @monthly"),
        (", schedule: '0 30 2 * * *'", "meta.schedule (line 5): must have five fields (minute, hour, day, month, weekday), or be one of @hourly, @daily, @weekly, @monthly"),
        (", schedule: '61 2 * * *'", "meta.schedule (line 5): has a wrong field: minute"),
        (", schedule: '0 2 L * *'", "meta.schedule (line 5): `L` is no cron field: accepted are *, numbers, names, lists, ranges and steps"),
        (", schedule: '0 2 30 feb *'", "meta.schedule (line 5): has a wrong field: day-of-month"),
        (", schedule: '@yearly'", "meta.schedule (line 5): is not one of @hourly, @daily, @weekly, @monthly"),
        (", timezone: Europe/Warsav", "meta.timezone (line 5): is no time zone; accepted: names of the IANA database, as `Europe/Warsaw`"),
        (", timezone: ../zone", "meta.timezone (line 5): is no time zone; accepted: names of the IANA database, as `Europe/Warsaw`"),
        (", compression: lzma", "meta.compression.method (line 5): is none of the known words; accepted: `zstd`, `gzip`, `none`"),
        (", compression: gzp", "meta.compression.method (line 5): is none of the known words; did you mean `gzip`?"),
        (", compression: {method: gzip, level: 10}", "meta.compression.level (line 5): must be from 1 to 9 for gzip"),
        (", compression: {level: 1}", "meta.compression (line 5): `method` is missing"),
        (", allow_empty: yes", "meta.allow_empty (line 5): must be true or false, not `yes`"),
        (", schedule: 5", "meta.schedule (line 5): must be a text; put it in quotes"),
        (", schedule: ''", "meta.schedule (line 5): must not be empty"),
        (", schedule:", "meta.schedule (line 5): must be a text; it is empty"),
    ],
)  # fmt: skip
def test_a_mistake_in_meta_is_explained(tmp_path: Path, meta: str, expected: str) -> None:
    text = WHOLE.replace("\n", "\n", 1) + "# a comment\n" + backup(meta=meta)
    text = text.replace("backups:\n  www:\n    meta", "backups: {www: {\n    meta", 1).replace(
        "}\n    spec", "},\n    spec"
    )
    text = text.rstrip("\n") + "}}\n"
    assert [line.removeprefix("backups.www.") for line in problems(tmp_path, text)] == [expected]


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ('{url: "https://x.example", token: a b}', ".token (line 1): must be one line of printable characters without spaces"),
        ('{url: "ftp://x.example", token: a}', ".url (line 1): must be an address as https://backups.example.org or https://example.org/backups"),
        ('{url: "x.example", token: a}', ".url (line 1): must be an address as https://backups.example.org or https://example.org/backups"),
        ('{url: "https://", token: a}', ".url (line 1): must be an address as https://backups.example.org or https://example.org/backups"),
        ('{url: "https://[::1", token: a}', ".url (line 1): is not a URL"),
        ('{url: "https://a:b@x.example", token: a}', ".url (line 1): must hold neither a user name nor `?` nor `#`"),
        ('{url: "https://x.example/?a", token: a}', ".url (line 1): must hold neither a user name nor `?` nor `#`"),
        ('{url: "https://x.example"}', " (line 1): `token` is missing (or `token_file`)"),
        ('{url: "https://x.example", token: a, token_file: b}', ".token_file (line 1): and `token` are both given; give one of them"),
        ('{url: "https://x.example", token_file: absent}', ".token_file (line 1): cannot be read (No such file or directory): {tmp}/absent"),
        ('{url: "https://x.example", token_file: empty}', ".token_file (line 1): holds nothing: {tmp}/empty"),
        ('{url: "https://x.example", token_file: lines}', ".token_file (line 1): must be one line"),
        ('{url: "https://x.example", token_file: bytes}', ".token_file (line 1): does not hold text in UTF-8: {tmp}/bytes"),
        ('{url: "https://x.example", token_fil: empty, token: a}', ".token_fil (line 1): is no known key; did you mean `token_file`?"),
        ('{url: "https://x.example", token: a, read_timeout: 0}', ".read_timeout (line 1): must be more than 0"),
        ('{url: "https://x.example", token: a, read_timeout: "5"}', ".read_timeout (line 1): must be a number"),
        ("[]", " (line 1): must be a mapping"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_access_is_explained(tmp_path: Path, access: str, expected: str) -> None:
    for name, content in {"empty": b"\n", "lines": b"a\nb\n", "bytes": b"\xff\n"}.items():
        (tmp_path / name).write_bytes(content)
    found = problems(tmp_path, f"accesses: {{main: {access}}}\n{ENCRYPTION}")
    assert found == [f"accesses.main{expected.replace('{tmp}', str(tmp_path))}"]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("encryption: {k: {method: aeg}}", "encryption.k.method (line 1): is no known method; did you mean `age`?"),
        ("encryption: {k: {method: age}}", "encryption.k (line 1): needs `recipients`, `recipients_file` or `identity_file`"),
        ("encryption: {k: {method: age, recipients: []}}", "encryption.k.recipients (line 1): must not be empty"),
        ("encryption: {k: {method: gpg}}", "encryption.k (line 1): `email` is missing"),
        ("encryption: {k: {method: gpg, email: a, key_length: 512}}", "encryption.k.key_length (line 1): must be at least 2048"),
        ("encryption: {k: {method: none, level: 1}}", "encryption.k.level (line 1): is no known key; accepted: `method`"),
        ("transports: {t: {type: shh}}", "transports.t.type (line 1): `shh` is no known type"),
        ("transports: {t: {type: ssh}}", "transports.t.spec (line 1): `host` is missing"),
        ("transports: {t: {spec: {}}}", "transports.t (line 1): `type` is missing"),
        ("notifiers: {n: {type: slak, url: x}}", "notifiers.n.type (line 1): is none of the known words; did you mean `slack`?"),
        ("notifiers: {n: {type: slack}}", "notifiers.n (line 1): `url` is missing (or `url_file`)"),
        ("notifiers: {n: {url: x}}", "notifiers.n (line 1): `type` is missing"),
        ("notifiers: {n: {type: slack, url: x, events: [backup.fail]}}", "notifiers.n.events[0] (line 1): is none of the known words; did you mean `backup.failed`?"),
        ("notifiers: {n: {type: slack, url: x, max_retry_num: -1}}", "notifiers.n.max_retry_num (line 1): must be at least 0"),
        ("error_handlers: {e: {type: sentry}}", "error_handlers.e (line 1): `url` is missing (or `url_file`)"),
        ("state_directory: 5", "state_directory (line 1): must be a text; put it in quotes"),
        ("backups: {a/b: {meta: {}}}", "backups.a/b (line 1): is no name: accepted are letters, digits, `_`, `-` and `.`"),
        ("backups: {a: {spec: {}}}", "backups.a (line 1): `meta` is missing"),
        ("backups: []", "backups (line 1): must be a mapping"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_section_is_explained(tmp_path: Path, section: str, expected: str) -> None:
    assert problems(tmp_path, section)[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "configuration: is empty"),
        ("# nothing\n", "configuration: is empty"),
        ("a: [1\n", "configuration (line 2): is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: b: c\n", "configuration (line 1): is not YAML: mapping values are not allowed here"),
        ("- a\n", "configuration: must be a mapping of sections (`backups:` and so on)"),
        ("accesses: *nothing\n", "configuration (line 1): is not YAML: found undefined alias 'nothing'"),
        ("accesses: &a {b: *a}\n", "accesses.b (line 1): is an alias of what it stands in"),
        ("accesses: !!python/object:os.system {}\n", "accesses (line 1): has a tag (`!...`), which is not supported"),
        ("? [a]\n: b\n", "configuration (line 1): holds a key that is no text"),
        ("accesses: {<<: {}}\n", "accesses (line 1): holds a merge key (`<<`), which is not supported: write the keys out"),
        ("a: \x00\n", "configuration: is not YAML: it holds a character that no text has"),
        ("accesses: {a: '${x-y}'}\n", "accesses.a (line 1): `${x-y}` names no variable; for a `${` that is meant literally write `$${`"),
        ("state_directory: '${A} ${B} ${A}'\n", "state_directory (line 1): ${A}, ${B} are not set in the environment"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_configuration_is_explained(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


def test_a_text_that_aliases_make_endless_is_refused(tmp_path: Path) -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert "configuration: is too large: aliases multiply it" in problems(tmp_path, text)


def test_a_missing_file_is_named_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as raised:
        load(tmp_path / "absent.yaml", {}, adapter=schema_of, transport=schema_of)
    assert str(raised.value) == f"configuration: there is no file {tmp_path / 'absent.yaml'}"
    assert "bahub init" in raised.value.hint


def test_an_entry_with_a_problem_is_not_called_unknown_where_it_is_used(tmp_path: Path) -> None:
    text = "accesses: {main: {url: x, token: a}}\n" + ENCRYPTION + backup()
    assert [line.split(" ")[0] for line in problems(tmp_path, text)] == ["accesses.main.url"]


def test_gzip_levels_that_contradict_each_other_are_a_problem(tmp_path: Path) -> None:
    spec = '{host: x, password: "${P}", gzip_args: "-2"}'
    text = WHOLE + backup(kind="mysql", spec=spec, meta=", compression: {method: gzip, level: 3}")
    assert problems(tmp_path, text, P="secret") == [
        "backups.www.meta.compression.level (line 5): contradicts `gzip_args`; give the level once"
    ]
