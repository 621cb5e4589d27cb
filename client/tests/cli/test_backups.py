"""`bahub backup` and `bahub raw` as people run them, on the real server."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from realm.certificates import self_signed
from realm.hooks import hook
from realm.places import Place, lines, new_collection, place_for, versions_in
from realm.standin_server import PATH, standin_server
from world.instance import Server
from world.ports import free_port
from world.waiting import eventually

ENDLESS = "while :; do head -c 100000 /dev/urandom; sleep 0.01; done"


@pytest.fixture
def place(listening: Server, tmp_path: Path) -> Place:
    return place_for(tmp_path / "machine", listening)


def test_a_success_says_which_version_of_what(listening: Server, place: Place) -> None:
    """Case 30."""
    place.define("words", "printf words", new_collection(listening, "words.txt"))
    first, second = place.run("backup", "make", "words"), place.run(":backup:make", "words")
    assert (first.code, first.out) == (0, 'Uploaded version "1" of "words.txt"\n')
    assert (second.code, second.out) == (0, 'Uploaded version "2" of "words.txt"\n')


def test_what_was_sent_is_listed_verified_and_restored(listening: Server, place: Place) -> None:
    """Case 26, by the command."""
    place.define("words", "seq 1 100000", new_collection(listening), restore=f"cat > {place.root}/back")
    place.run("backup", "make", "words")
    (stored,) = versions_in(listening, place.definitions["words"]["meta"]["collection_id"]).values()
    listed = place.run("backup", "list", "words")
    assert stored["details"]["id"] in listed.out
    assert stored["details"]["checksum"]["value"] in listed.out
    assert lines(listed.out)[1].split()[0] == "1"
    verified = place.run("backup", "verify", "words")
    assert (verified.code, verified.out) == (0, 'Verified v1 of "words": 588895 bytes\n')
    restored = place.run("backup", "restore", "words", "--version", "v1")
    assert (restored.code, restored.out) == (0, 'Restored v1 of "words"\n')
    assert (place.root / "back").read_text().split() == [str(number) for number in range(1, 100_001)]


def test_several_names_stop_at_the_first_failure(listening: Server, place: Place) -> None:
    for name, command in (("good", "printf good"), ("bad", "exit 9"), ("later", "printf later")):
        place.define(name, command, new_collection(listening, name))
    ended = place.run("backup", "make", "good", "bad", "later")
    assert (ended.code, ended.out) == (5, 'Uploaded version "1" of "good"\n')
    assert "bad: source: the source ended with exit status 9" in ended.err


def test_keep_going_runs_the_rest_and_ends_with_the_first_failure(listening: Server, place: Place) -> None:
    """Case 56."""
    unknown = "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e"
    place.define("empty", ":", new_collection(listening, "empty"))
    place.define("lost", "printf lost", unknown)
    place.define("good", "printf good", new_collection(listening, "good"))
    ended = place.run("backup", "make", "--all", "--keep-going")
    assert (ended.code, ended.out) == (5, 'Uploaded version "1" of "good"\n')
    assert "empty: source: " in ended.err
    assert "lost: Route or resource not found (code: 404)" in ended.err


def test_a_failure_shows_stage_status_and_last_lines_masked(listening: Server, place: Place) -> None:
    """Cases 32 and 52: 20 lines, no secret."""
    place.environment["PASSPHRASE"] = "the-secret-of-this-test"
    place.more["notifiers"] = {"none": {"type": "mattermost", "url": "${PASSPHRASE}", "events": []}}
    command = "seq 1 30 >&2; echo the-secret-of-this-test >&2; exit 7"
    place.define("bad", command, new_collection(listening))
    ended = place.run("backup", "make", "bad", "--debug")
    assert ended.code == 5
    assert "error: bad: source: the source ended with exit status 7" in ended.err
    shown = [line.removeprefix("  | ") for line in ended.err.splitlines() if line.startswith("  | ")]
    assert shown == [*(str(number) for number in range(12, 31)), "********"]
    assert "the-secret-of-this-test" not in ended.err + ended.out
    assert place.token not in ended.err + ended.out


def test_target_writes_a_file_and_sends_nothing(listening: Server, place: Place) -> None:
    """Case 40."""
    collection = new_collection(listening)
    place.define("words", "printf words", collection)
    archive = place.root / "archive"
    archive.write_text("former")
    ended = place.run("backup", "make", "words", "--target", str(archive), "--dont-send")
    assert ended.code == 0
    assert archive.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert archive.stat().st_mode & 0o777 == 0o600
    assert versions_in(listening, collection) == {}


def test_target_needs_no_server_and_a_failure_leaves_the_former_file(place: Place) -> None:
    """Case 40, a failure leaves the former FILE."""
    place.url = f"http://127.0.0.1:{free_port()}"
    place.define("bad", "printf some; exit 3", "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e")
    archive = place.root / "archive"
    archive.write_text("former")
    ended = place.run("backup", "make", "bad", "--target", str(archive))
    assert ended.code == 5
    assert archive.read_text() == "former"
    assert [file.name for file in place.root.iterdir() if "partial" in file.name] == []


def test_data_on_stdout_is_nothing_but_data(place: Place) -> None:
    """Case 40, `-`; every message goes to stderr."""
    place.define(
        "words", "printf words", "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e", encryption="plain", compression="none"
    )
    for option in ("--quiet", "--json", "--debug"):
        ended = place.run("backup", "make", "words", "--target", "-", option)
        assert (ended.code, ended.out) == (0, "words")


def test_data_that_nobody_takes_is_a_failure(place: Place) -> None:
    place.define("endless", ENDLESS, "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e")
    with place.running("backup", "make", "endless", "--target", "-") as run:
        assert run.stdout is not None
        run.stdout.close()
        run.wait()
        assert run.stderr is not None
        err = run.stderr.read()
    assert run.returncode == 1
    assert err == "error: endless: target: stdout cannot be written: Broken pipe\n"


@pytest.mark.parametrize(
    "words",
    [
        ["make"],
        ["make", "words", "--all"],
        ["make", "words", "--dont-send"],
        ["make", "words", "more", "--target", "file"],
        ["make", "--all", "--target", "file"],
        ["restore", "words", "--raw"],
        ["restore", "words", "--download", "file", "--to", "/dir"],
        ["restore", "words", "--unblock", "--to", "/dir"],
        ["restore", "words", "--version", "newest"],
        ["restore", "words"],
        ["restore"],
        ["made"],
    ],
)
def test_contradictions_are_usage_errors(place: Place, words: list[str]) -> None:
    """Case 40, `--dont-send` alone, and its like."""
    place.define("words", "printf words", "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e")
    ended = place.run("backup", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err
    assert "Traceback" not in ended.err


def test_an_unknown_name_is_a_configuration_error_with_a_suggestion(place: Place) -> None:
    place.define("words", "printf words", "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e")
    ended = place.run("backup", "make", "wrods", "nothing")
    assert ended.code == 3
    assert "backups.wrods: there is no such definition; did you mean words?" in ended.err
    assert "backups.nothing" in ended.err


def test_raw_bytes_are_sent_and_saved_as_they_are(listening: Server, place: Place) -> None:
    place.define("words", "printf words", new_collection(listening))
    content = os.urandom(2_000_000)
    (place.root / "file").write_bytes(content)
    sent = place.run("raw", "send", "words", "--path", "file")
    piped = place.run(":backup:raw:send", "words", stdin=b"plain words")
    assert (sent.code, piped.code) == (0, 0)
    assert piped.out == 'Uploaded version "2" of "db.tar.gz"\n'
    saved = place.run("backup", "restore", "words", "--download", "saved", "--raw", "--version", "first")
    assert (saved.code, (place.root / "saved").read_bytes()) == (0, content)


def test_nothing_to_send_raw_is_an_empty_source(listening: Server, place: Place) -> None:
    """As when the program in front of the pipe has failed."""
    collection = new_collection(listening)
    place.define("words", "printf words", collection)
    ended = place.run("raw", "send", "words", stdin=b"")
    assert (ended.code, ended.out) == (5, "")
    assert "there is nothing to send" in ended.err
    assert versions_in(listening, collection) == {}


def test_plaintext_needs_to_be_allowed(listening: Server, place: Place) -> None:
    """Case 47, by the command."""
    place.define("words", "printf words", new_collection(listening))
    place.run("raw", "send", "words", stdin=b"plain words")
    refused = place.run("backup", "restore", "words", "--download", "saved")
    assert refused.code == 6
    assert not (place.root / "saved").exists()
    assert place.run("backup", "restore", "words", "--download", "saved", "--allow-unencrypted").code == 0
    assert (place.root / "saved").read_bytes() == b"plain words"


def test_verify_without_the_identity_says_what_is_missing(listening: Server, place: Place) -> None:
    """Case 48, by the command."""
    place.define("words", "printf words", new_collection(listening))
    (place.root / "identity").unlink()
    assert place.run("backup", "make", "words").code == 0
    missing = place.run("backup", "verify", "words")
    assert missing.code == 3
    assert "identity" in missing.err
    digest = place.run("backup", "verify", "words", "--no-decrypt")
    assert digest.code == 0
    assert "not decrypted" in digest.out


def test_a_wrong_token_is_told_before_the_source_starts(listening: Server, place: Place) -> None:
    """Case 35."""
    place.file("token", "eyJ.no.token")
    place.define("words", f"touch {place.root}/started; printf words", new_collection(listening))
    ended = place.run("backup", "make", "words")
    assert ended.code == 4
    assert "401" in ended.err
    assert not (place.root / "started").exists()


def test_a_certificate_of_nobody_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    """Case 53."""
    certificate = self_signed(tmp_path)
    with standin_server(certificate.server_context()) as server:
        place = Place(tmp_path, server.url, "a-token-of-tests")
        place.define("words", "printf words", PATH.rsplit("/", 1)[-1])
        refused = place.run("backup", "make", "words")
        place.access = {"insecure_tls": True}
        accepted = place.run("backup", "make", "words")
        warned_quietly = place.run("backup", "list", "words")
    assert refused.code == 1
    assert "not trusted" in refused.err
    assert accepted.code == 0
    assert "warning: " in accepted.err
    assert "warning: " in warned_quietly.err


def test_a_server_that_is_down_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    """Case 36, by the command: down at first, up a little later."""
    port = free_port()
    place = Place(tmp_path, f"http://127.0.0.1:{port}", "a-token-of-tests")
    place.define("words", f"echo run >> {tmp_path}/runs; printf words", PATH.rsplit("/", 1)[-1])
    with place.running("backup", "make", "words") as run:
        assert run.stderr is not None
        said = ""
        while "trying again in" not in said:  # it has met the server that is down
            line = run.stderr.readline()
            assert line, said
            said += line
        with standin_server(port=port):
            out, _ = run.communicate()
    assert (run.returncode, out) == (0, 'Uploaded version "1" of "db.tar.gz"\n')
    assert "cannot be reached" in said
    assert (tmp_path / "runs").read_text() == "run\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_everything_and_leaves_no_version(
    listening: Server, place: Place, number: signal.Signals, code: int
) -> None:
    collection = new_collection(listening)
    place.define("endless", f"echo $$ > {place.root}/pid; {ENDLESS}", collection)
    with place.running("backup", "make", "endless") as run:
        pid = int(eventually(lambda: _text(place.root / "pid")))
        eventually(lambda: any(listening.staging.rglob("*")))
        run.send_signal(number)
        out, err = run.communicate()
    assert (run.returncode, out) == (code, "")
    assert err.splitlines() == [f"error: interrupted by {number.name}"]
    eventually(lambda: not psutil.pid_exists(pid))
    assert versions_in(listening, collection) == {}


def test_one_definition_never_runs_twice_at_once(listening: Server, place: Place) -> None:
    """Case 54, runs by hand."""
    go = place.root / "go"
    place.define("slow", f"while [ ! -e {go} ]; do sleep 0.02; done; printf slow", new_collection(listening))
    with place.running("backup", "make", "slow") as first:
        eventually(lambda: any(place.state.rglob("slow.lock")) and _text(next(place.state.rglob("slow.lock"))))
        second = place.run("backup", "make", "slow")
        with place.running("backup", "make", "slow", "--wait") as third:
            go.touch()
            assert third.communicate()[0] == 'Uploaded version "2" of "db.tar.gz"\n'
        assert first.communicate()[0] == 'Uploaded version "1" of "db.tar.gz"\n'
    assert second.code == 1
    assert "already running" in second.err


def test_notifiers_hear_of_start_success_and_failure(listening: Server, place: Place) -> None:
    """Case 57, from the commands."""
    place.define("good", "printf good", new_collection(listening))
    place.define("bad", "echo the reason >&2; exit 3", new_collection(listening))
    with hook() as chat:
        place.more["notifiers"] = {"chat": {"type": "mattermost", "url": chat.url}}
        assert place.run("backup", "make", "--all", "--keep-going").code == 5
        texts = [request.body.decode() for request in chat.requests]
    assert [text.split('"text": "')[-1].split('"text":"')[-1].split(":")[0] for text in texts] == [
        "Backup started",
        "Backup uploaded",
        "Backup started",
        "Backup failed",
    ]
    assert "source" in texts[3]
    assert "the reason" in texts[3]


def test_a_notifier_that_is_dead_changes_nothing(listening: Server, place: Place) -> None:
    """Case 57, a dead notifier."""
    dead = {"type": "slack", "url": f"http://127.0.0.1:{free_port()}", "max_retry_num": 0}
    place.more["notifiers"] = {"dead": dead}
    place.define("good", "printf good", new_collection(listening))
    ended = place.run("backup", "make", "good")
    assert ended.code == 0
    assert 'warning: Notifier "dead"' in ended.err


def test_no_secret_is_in_any_process_while_it_runs(listening: Server, place: Place) -> None:
    """Case 52, arguments of processes."""
    go = place.root / "go"
    place.define("slow", f"while [ ! -e {go} ]; do sleep 0.02; done; printf slow", new_collection(listening))
    with place.running("backup", "make", "slow", "--debug") as run:
        children = eventually(lambda: psutil.Process(run.pid).children(recursive=True))
        arguments = [" ".join(process.cmdline()) for process in (psutil.Process(run.pid), *children)]
        go.touch()
        out, err = run.communicate()
    identity = (place.root / "identity").read_text().strip()
    for secret in (place.token, identity):
        assert all(secret not in text for text in (*arguments, out, err))


@pytest.mark.xdist_group("big")
def test_two_gibibytes_pass_without_disk_and_with_little_memory(listening: Server, place: Place) -> None:
    """Case 31: no growth of disk use on the client's side, less than 128 MiB of memory."""
    noise = place.root / "noise"
    noise.write_bytes(os.urandom(64 << 20))
    place.define("big", f"for part in $(seq 32); do cat {noise}; done", new_collection(listening))
    before = _used(place.root)
    peak, used = 0, before
    with place.running("backup", "make", "big") as run:
        while run.poll() is None:
            peak = max(peak, _high_water(run.pid))
            used = max(used, _used(place.root))
            time.sleep(0.2)
        assert run.communicate()[0] == 'Uploaded version "1" of "db.tar.gz"\n'
    assert peak < 100_000_000
    assert used - before < 1_000_000
    (stored,) = versions_in(listening, place.definitions["big"]["meta"]["collection_id"]).values()
    assert stored["details"]["file"]["filesize_bytes"] > 2 << 30


def test_stdin_is_sent_as_it_comes(listening: Server, place: Place) -> None:
    """What a pipe gives slowly is on its way before it ends."""
    collection = new_collection(listening)
    place.define("words", "printf words", collection)
    with place.running("raw", "send", "words", stdin=subprocess.PIPE) as run:
        assert run.stdin is not None
        run.stdin.write("some words of a pipe\n" * 10_000)
        run.stdin.flush()
        eventually(lambda: any(listening.staging.rglob("*")))
        run.communicate()
    assert run.returncode == 0
    assert len(versions_in(listening, collection)) == 1


def _text(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _used(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else 0
