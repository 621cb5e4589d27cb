"""The spellings that commands answer to, the options in front, and how output looks."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from realm.configs import COLLECTION
from realm.hooks import hook
from realm.places import Place, lines
from realm.standin_server import PATH, VERSIONS, Exchange, StandIn, standin_server

from bahub.cli.live import report
from bahub.cli.main import spelled_out
from bahub.cli.output import Output, exit_code_of, sentence_of
from bahub.errors import BadUsage, Failed, Interrupted, Misconfigured, Problem, ProgramFailed, Refused, Tampered
from bahub.masking import MASK, Secret
from bahub.progress import Progress

TOKEN = "a-token-of-these-tests"


def placed(directory: Path, server: StandIn) -> Place:
    place = Place(directory, server.url, TOKEN)
    place.define("words", "printf words", COLLECTION)
    return place


@pytest.mark.parametrize(
    ("spelling", "words"),
    [
        (":backup:make", ["backup", "make"]),
        (":backup:restore", ["backup", "restore"]),
        (":backup:raw:send", ["backup", "raw", "send"]),
        (":crypto:generate-keys", ["crypto", "generate-keys"]),
        (":crypto:list-keys", ["crypto", "list-keys"]),
        ("backup", ["backup"]),
    ],
)
def test_the_first_word_may_have_colons(spelling: str, words: list[str]) -> None:
    """Case 28, colon commands."""
    assert list(spelled_out(spelling)) == words


@pytest.mark.parametrize(
    "words",
    [
        ["--config", "{file}", "--json", "backup", "list", "words"],
        ["-c", "{file}", "--json", ":backup:list", "words"],
        ["backup", "list", "words", "--json", "--config", "{file}"],
        ["backup", "--config={file}", "list", "--json", "words"],
    ],
)
def test_options_of_every_command_stand_where_one_likes(tmp_path: Path, words: list[str]) -> None:
    with standin_server() as server:
        place = placed(tmp_path, server)
        file = place.write()
        place.environment["CONFIG"] = "/nowhere"
        ended = place.run(*(word.format(file=file) for word in words))
    assert (ended.code, ended.objects) == (0, [])


def test_the_variable_config_names_the_file(tmp_path: Path) -> None:
    """Case 28, `CONFIG`."""
    with standin_server() as server:
        assert placed(tmp_path, server).run("backup", "list", "words").code == 0


def test_a_missing_configuration_is_told(tmp_path: Path) -> None:
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.environment["CONFIG"] = "/nowhere/bahub.yaml"
        ended = place.run("backup", "list", "words")
    assert ended.code == 3
    assert "/nowhere/bahub.yaml" in ended.err


def test_json_is_one_object_per_line_and_nothing_else(tmp_path: Path) -> None:
    """Case 58, `--json`."""
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.define("bad", "echo trouble >&2; exit 3", COLLECTION)
        good = place.run("backup", "make", "words", "--json")
        bad = place.run("backup", "make", "bad", "--json")
        unknown = place.run("backup", "make", "nothing", "--json")
    started, uploaded = good.objects
    assert started["event"] == "backup.started"
    assert {name: uploaded[name] for name in ("event", "definition", "version", "filename", "collection")} == {
        "event": "backup.uploaded",
        "definition": "words",
        "version": 1,
        "filename": "db.tar.gz",
        "collection": COLLECTION,
    }
    assert uploaded["time"].endswith("Z")
    assert uploaded["size"] > 0
    assert len(uploaded["sha256"]) == 64
    failed = bad.objects[-1]
    assert (failed["event"], failed["definition"], failed["stage"]) == ("backup.failed", "bad", "source")
    assert (failed["exit_code"], failed["details"]) == (5, ["trouble"])
    assert [one["event"] for one in unknown.objects] == ["error"]
    assert unknown.objects[0]["exit_code"] == 3


def test_quiet_success_is_one_line(tmp_path: Path) -> None:
    """Case 58, `--quiet`."""
    with standin_server() as server:
        ended = placed(tmp_path, server).run("-q", "backup", "make", "words")
    assert (ended.code, lines(ended.out), ended.err) == (0, ['Uploaded version "1" of "db.tar.gz"'], "")


def test_without_a_terminal_no_carriage_returns_appear(tmp_path: Path) -> None:
    """Case 58, not on a terminal."""
    with standin_server() as server:
        ended = placed(tmp_path, server).run("backup", "make", "words")
    assert ended.code == 0
    assert "\r" not in ended.out + ended.err
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_nothing_that_others_say_is_obeyed_by_a_terminal(tmp_path: Path, option: list[str]) -> None:
    """What a server answers and what a program writes is quoted: no escape sequence, and no line of its own."""
    text = "no\x1b[2J\nerror: all is well\u202e\x9b1m"
    with standin_server() as server:
        server.on("GET", PATH, lambda exchange: exchange.answer(404, {"error": text, "code": 404}))
        refused = placed(tmp_path, server).run(*option, "backup", "make", "words")
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.define("bad", "printf 'trouble\\033[2J' >&2; exit 3", COLLECTION)
        failed = place.run(*option, "backup", "make", "bad")
    assert (refused.code, failed.code) == (4, 5)
    for said in (refused.out, refused.err, failed.out, failed.err):
        assert all(letter.isprintable() for letter in said.replace("\n", ""))
    assert "error: words: no\\x1b[2J error: all is well\\u202e\\x9b1m (code: 404)" in lines(refused.err)
    assert "  | trouble\\x1b[2J" in lines(failed.err)
    if option:
        assert text in refused.objects[-1]["error"]


def test_a_terminal_has_a_live_line(tmp_path: Path) -> None:
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.define("words", "head -c 100000 /dev/zero; sleep 1; printf words", COLLECTION)
        place.write()
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            place.command("backup", "make", "words"),
            env=place.surroundings() | {"TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        ):
            os.close(theirs)
            live, _, rest = _all_from(ours).rpartition(b"\x1b[2K")
    assert b"words: " in live
    assert b"/s, " in live
    assert rest.strip() == b'Uploaded version "1" of "db.tar.gz"'


def test_an_unexpected_exception_is_one_line_and_reaches_the_error_handlers(tmp_path: Path) -> None:
    """Case 57, an exception that nobody foresaw."""
    (tmp_path / "broken.py").write_text(
        "class Adapter:\n"
        "    def backup(self, spec):\n        raise ZeroDivisionError('nobody foresaw\\nthis')\n"
        "    def restore(self, spec):\n        raise ZeroDivisionError\n"
    )
    with standin_server() as server, hook() as sentry:
        place = placed(tmp_path, server)
        dsn = sentry.url.replace("http://", "http://public@") + "/1"
        place.more["error_handlers"] = {"errors": {"type": "sentry", "url": dsn}}
        place.environment["PYTHONPATH"] = str(tmp_path)
        place.definitions["words"]["meta"]["type"] = "broken"
        plain = place.run("backup", "make", "words")
        detailed = place.run("backup", "make", "words", "--debug")
        assert server.asked("POST", VERSIONS) == []
    assert plain.code == 1
    assert lines(plain.err) == ["error: words: unexpected error: ZeroDivisionError: nobody foresaw this"]
    assert "Traceback" in detailed.err
    assert len(sentry.requests) == 2
    assert b"nobody foresaw" in sentry.requests[0].body


def test_debug_by_its_variable_shows_the_log_without_secrets(tmp_path: Path) -> None:
    """Case 52, `--debug`."""
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.environment["DEBUG"] = "1"
        loud = place.run("backup", "make", "words")
        place.environment["DEBUG"] = "0"
        silent = place.run("backup", "make", "words")
    assert "HTTP Request: POST" in loud.err
    assert TOKEN not in loud.err
    assert silent.err == ""


def test_what_the_server_says_is_masked(tmp_path: Path) -> None:
    """Case 52, server messages."""

    def repeat(exchange: Exchange) -> None:
        exchange.answer(404, {"error": f"no collection for {exchange.headers['authorization']}", "code": 404})

    with standin_server() as server:
        server.on("GET", PATH, repeat)
        ended = placed(tmp_path, server).run("backup", "make", "words", "--json")
    assert ended.code == 4
    assert "no collection for Bearer ********" in ended.err
    assert TOKEN not in ended.out + ended.err


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("failure", [Failed, RuntimeError])
@pytest.mark.parametrize(
    "secret", ["first line of a key\nand its second line", 'quoted "and \\ slashed', "a\u00a0space that is none"]
)
def test_a_secret_of_any_characters_is_masked(
    secret: str, failure: type[Exception], as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 52: neither the joining of lines nor the escapes of JSON hide it from the mask."""
    Secret(secret)
    Output(as_json=as_json).failure(failure(f"login of {secret} refused"), further=[{"said": (secret,)}])
    printed = capsys.readouterr()
    assert f"login of {MASK} refused" in printed.err
    if as_json:
        fields = json.loads(printed.out)
        assert (fields["error"].endswith(f"login of {MASK} refused"), fields["further"]) == (True, [{"said": [MASK]}])


@pytest.mark.parametrize("redirection", ["| true", ">&-", ">&- 2>&-", "| head -c 1"])
def test_a_reader_that_is_not_there_changes_nothing(tmp_path: Path, redirection: str) -> None:
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.write()
        command = f'"$@" --json {redirection}; echo "${{PIPESTATUS[0]}}" >&3'
        with (tmp_path / "status").open("wb") as status:
            run = subprocess.run(
                ["bash", "-c", f"exec 3>&1; {command}", "bash", *place.command("backup", "make", "words")],
                env=place.surroundings(),
                stdin=subprocess.DEVNULL,
                stdout=status,
                stderr=subprocess.PIPE,
                check=False,
            )
    assert (tmp_path / "status").read_text().removeprefix("{") == "0\n"  # what `head` let through
    assert run.stderr == b""


def test_what_an_encoding_lacks_is_printed_anyhow(tmp_path: Path) -> None:
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.environment |= {"PYTHONIOENCODING": "ascii", "LANG": "C"}
        place.define("w\u00f6rter", "printf words", COLLECTION)
        ended = place.run("backup", "make", "w\u00f6rter", "--target", str(tmp_path / "file"))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Wrote ")


@pytest.mark.parametrize("words", [["--help"], ["backup", "--help"], ["backup", "make", "--help"], ["--version"]])
def test_help_needs_no_configuration(tmp_path: Path, words: list[str]) -> None:
    with standin_server() as server:
        place = placed(tmp_path, server)
        place.environment["CONFIG"] = "/nowhere"
        ended = place.run(*words)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failed("x"), 1),
        (BadUsage("x"), 2),
        (Misconfigured([Problem("", "x")]), 3),
        (Refused("x", status=404, code=404), 4),
        (ProgramFailed("x"), 5),
        (Tampered("x"), 6),
        (Interrupted(2), 130),
        (Interrupted(15), 143),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_each_failure_has_its_exit_code(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code
    assert sentence_of(error)


def test_a_report_names_bytes_rate_time_and_percent() -> None:
    progress = Progress(total=4_000_000, done=1_000_000)
    progress.started -= 2
    text = report(progress, "words")
    assert text.startswith("words: 25 %, 1.0 MB, ")
    assert "kB/s, 2 s" in text


def _all_from(descriptor: int) -> bytes:
    """Read a terminal until nobody writes to it any more."""
    blocks: list[bytes] = []
    while True:
        try:
            block = os.read(descriptor, 65536)
        except OSError:
            block = b""
        if not block:
            os.close(descriptor)
            return b"".join(blocks)
        blocks.append(block)
