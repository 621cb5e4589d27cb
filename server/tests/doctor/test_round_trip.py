"""What a round trip may do to a collection: nothing that lasts, and nothing at all where versions are (case 25)."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from world import console, wire
from world.examination import QUICK, FrontMaker, collection_id, examined, public
from world.instance import API, PASSWORD, Server, log_in
from world.relay import relay
from world.waiting import eventually

from backup_repository.doctor.found import Finding, Verdict

UPLOAD = "collections.upload_to_allowed_collections"
LIST = "collections.list_versions_for_allowed_collections"
FETCH = "collections.fetch_single_version_file_in_allowed_collections"
DELETE = "collections.delete_versions_for_allowed_collections"
ALL = ("upload.all", UPLOAD, LIST, FETCH, DELETE)


def stored(server: Server, versions: str) -> dict[str, Any]:
    listing: dict[str, Any] = server.direct.ask("GET", versions, server.bearer).json()["versions"]
    return listing


def tried(server: Server, versions: str, token: str, port: int | None = None) -> dict[str, Finding]:
    """Examine with a token, through a relay where one is given."""
    url = f"http://127.0.0.1:{port}" if port else f"http://{server.direct.host}"
    return examined(url, token=token, collection=collection_id(versions))


def token_with(server: Server, *permissions: str, bearer: dict[str, str] | None = None) -> str:
    """Generate a token of the administrator, or of somebody else, that may do only this."""
    wanted = wire.as_json({"requestedPermissions": permissions, "ttl": 3600})
    answer = server.direct.ask("POST", f"{API}/auth/token", bearer or server.bearer, wanted)
    token: str = answer.json()["token"]
    return token


def stranger(server: Server, name: str, **data: Any) -> dict[str, str]:
    """Make an account that may do everything with collections it has access to, and log it in."""
    email = f"{name}@example.org"
    permissions = [*ALL, "security.can_generate_custom_jwt"]
    account = {"email": email, "password": PASSWORD, "permissions": permissions, "data": data}
    assert server.direct.ask("POST", f"{API}/auth/user", server.bearer, wire.as_json(account)).status == 201
    return {"Authorization": f"Bearer {log_in(server.direct, email, PASSWORD, {'User-Agent': 'bahub'})}"}


def test_a_collection_with_versions_is_left_untouched(listening: Server) -> None:
    """Case 25."""
    versions = listening.create_collection(maxBackupsCount=1, strategy="delete_oldest_when_adding_new")
    assert listening.direct.ask("POST", versions, listening.bearer, b"a real backup").status == 200
    for count in (1, 2):
        fields = {
            "id": collection_id(versions),
            "maxBackupsCount": count,
            "maxOneVersionSize": 0,
            "maxCollectionSize": 0,
            "strategy": "delete_oldest_when_adding_new",
            "filename": "db.tar.gz",
        }
        path = versions.rpartition("/collection/")[0] + "/collection"
        assert listening.direct.ask("PUT", path, listening.bearer, wire.as_json(fields)).status == 200
        before = stored(listening, versions)
        finding = tried(listening, versions, listening.token)["round trip"]
        assert finding.verdict is Verdict.SKIP
        assert stored(listening, versions) == before
    assert "holds versions" in finding.sentence
    assert listening.direct.ask("GET", f"{versions}/latest", listening.bearer).body == b"a real backup"


def test_a_collection_for_one_version_is_not_tried(listening: Server) -> None:
    """A backup that comes between the look and the upload would be rotated out."""
    versions = listening.create_collection(maxBackupsCount=1, strategy="delete_oldest_when_adding_new")
    finding = tried(listening, versions, listening.token)["round trip"]
    assert finding.verdict is Verdict.SKIP
    assert "let it keep two" in finding.sentence


def test_a_collection_with_narrow_limits_is_said_to_be_so(listening: Server) -> None:
    versions = listening.create_collection(maxOneVersionSize="1MB")
    finding = tried(listening, versions, listening.token)["round trip"]
    assert finding.verdict is Verdict.SKIP
    assert "(code: 40109)" in finding.sentence


MISSING = {
    "upload only": (("upload.all", UPLOAD), FETCH, Verdict.OK),
    "no listing": (("upload.all", UPLOAD, FETCH, DELETE), LIST, Verdict.OK),
    "no deletion": (("upload.all", UPLOAD, FETCH, LIST), DELETE, Verdict.OK),
    "no upload": ((UPLOAD, FETCH, LIST, DELETE), "upload.all", Verdict.SKIP),
    "once only": ((*ALL, "upload.only_once_successful"), "upload.only_once_successful", Verdict.OK),
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_token_that_may_too_little_uploads_nothing_and_is_told_what_is_missing(listening: Server, kind: str) -> None:
    permissions, missing, forged = MISSING[kind]
    versions = listening.create_collection()
    found = tried(listening, versions, token_with(listening, *permissions))
    assert found["round trip"].verdict is Verdict.SKIP
    assert f"`{missing}`" in found["round trip"].sentence
    assert found["forged hand-over header"].verdict is forged
    later = listening.direct.ask("POST", versions, listening.bearer, b"the first version")
    assert later.json()["version"]["version"] == 1, "a version was registered before"


def test_a_token_with_what_it_takes_is_enough(listening: Server) -> None:
    versions = listening.create_collection()
    found = tried(listening, versions, token_with(listening, *ALL))
    assert found["round trip"].verdict is found["forged hand-over header"].verdict is Verdict.OK
    assert stored(listening, versions) == {}


def test_a_token_of_another_tenant_is_told_so(listening: Server) -> None:
    versions = listening.create_collection()
    bearer = stranger(listening, "another-tenant")
    found = tried(listening, versions, token_with(listening, *ALL, bearer=bearer))
    assert found["round trip"].verdict is found["forged hand-over header"].verdict is Verdict.SKIP
    assert "no access to this collection" in found["round trip"].sentence


def test_a_token_that_does_not_open_anything_is_a_failure(listening: Server) -> None:
    versions = listening.create_collection()
    revoked = token_with(listening, *ALL)
    bearer = {"Authorization": f"Bearer {revoked}"}
    assert listening.direct.ask("DELETE", f"{API}/auth/token/current-session", bearer).status == 200
    for token, words in (("a.b.c", '"Invalid JWT Token"'), (revoked, "revoked or used up")):
        found = tried(listening, versions, token)
        for name in ("round trip", "forged hand-over header"):
            assert found[name].verdict is Verdict.FAIL
            assert words in found[name].sentence
            assert "generate a new one" in found[name].sentence
            assert token not in str(found)


def test_an_expired_token_is_a_failure(listening: Server) -> None:
    """The shortest lifetime there is, seen by a server whose clock is ahead."""
    versions = listening.create_collection()
    with listening.installation.with_settings(JWT_LIFETIME="1 second").serve(tcp=True) as short:
        found: dict[str, Finding] = eventually(lambda: expired(short, versions))
    assert found["round trip"].verdict is Verdict.FAIL
    assert '"Expired JWT Token"' in found["round trip"].sentence


def expired(server: Server, versions: str) -> dict[str, Finding]:
    found = tried(server, versions, server.token)
    return found if "Expired" in found["round trip"].sentence else {}


def test_an_account_for_other_programs_is_a_warning_that_names_trusted_proxies(listening: Server) -> None:
    """An account for other addresses is told the same; a server that sees the router's has to be told of it."""
    versions = listening.create_collection()
    bearer = stranger(listening, "elsewhere", allowedUserAgents=["bahub"])
    finding = tried(listening, versions, bearer["Authorization"].removeprefix("Bearer "))["round trip"]
    assert finding.verdict is Verdict.WARN
    for words in ("`allowedIpAddresses`", "`allowedUserAgents`", "TRUSTED_PROXIES"):
        assert words in finding.sentence


def test_an_unknown_collection_is_a_failure(listening: Server) -> None:
    found = examined(
        f"http://{listening.direct.host}", token=listening.token, collection="00000000-0000-4000-8000-000000000000"
    )
    assert found["round trip"].verdict is found["forged hand-over header"].verdict is Verdict.FAIL
    assert "--collection" in found["round trip"].sentence


def test_a_read_only_instance_is_skipped(listening: Server) -> None:
    versions = listening.create_collection()
    with listening.installation.with_settings(READ_ONLY="true").serve(tcp=True) as resting:
        found = tried(resting, versions, resting.token)
    assert found["round trip"].verdict is found["forged hand-over header"].verdict is Verdict.SKIP
    assert "READ_ONLY" in found["round trip"].sentence


def is_upload(head: str) -> bool:
    """Whether the head belongs to the upload of the round trip."""
    return head.startswith("POST ") and "Content-Length: 1048576" in head


def is_deletion(head: str) -> bool:
    """Whether the head belongs to the deletion after it."""
    return head.startswith("DELETE ") and "simulate" not in head


def test_an_upload_whose_answer_is_lost_is_deleted(listening: Server) -> None:
    versions = listening.create_collection()
    with relay(listening.direct.host, is_upload, hangs_up=True) as between:
        finding = tried(listening, versions, listening.token, between.port)["round trip"]
    assert between.kept.is_set()
    assert (finding.verdict, finding.sentence) == (
        Verdict.FAIL,
        "No answer: the connection was closed without an answer.",
    )
    assert stored(listening, versions) == {}


def test_a_deletion_whose_answer_is_lost_is_tried_again(listening: Server) -> None:
    versions = listening.create_collection()
    lost: list[str] = []

    def first_deletion(head: str) -> bool:
        if not is_deletion(head) or lost:
            return False
        lost.append(head)
        return True

    with relay(listening.direct.host, first_deletion, hangs_up=True) as between:
        finding = tried(listening, versions, listening.token, between.port)["round trip"]
    assert between.kept.is_set()
    assert finding.verdict is Verdict.OK
    assert stored(listening, versions) == {}


def test_a_version_that_cannot_be_deleted_is_named(served: Server, fronted_with: FrontMaker) -> None:
    """A proxy that lets no deletion through but those that only try."""
    refusing = (
        'set $deletes "$request_method$arg_simulate"; if ($deletes = DELETE) { return 405; } '
        "proxy_pass http://application_nginx;"
    )
    running = fronted_with(router={"proxy_pass http://application_nginx;": refusing})
    versions = served.create_collection()
    told: list[str] = []
    found = examined(
        public(running), token=served.token, collection=collection_id(versions), note=told.append, patience=QUICK
    )
    (left,) = stored(served, versions).values()
    assert found["round trip"].verdict is Verdict.FAIL
    for text in (found["round trip"].sentence, *told):
        assert f"The version {left['details']['id']} may still be in the collection {collection_id(versions)}" in text
        assert "405" in text
    assert len(told) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("during", ["upload", "download"])
def test_an_interruption_leaves_nothing_behind(
    listening: Server, tmp_path: Path, during: str, number: signal.Signals
) -> None:
    versions = listening.create_collection()
    keeps = is_upload if during == "upload" else is_download
    with (
        relay(listening.direct.host, keeps, hangs_up=False) as between,
        doctor(listening, versions, tmp_path, between.port) as running,
    ):
        assert between.kept.wait(60)
        assert len(stored(listening, versions)) == 1
        running.send_signal(number)
        assert running.wait(60) == 1
    assert stored(listening, versions) == {}
    said = console.said(console.bare(tmp_path)).read_text()
    assert said.endswith("Interrupted\n")
    assert "Traceback" not in said


def is_download(head: str) -> bool:
    """Whether the head belongs to the first download of the version itself."""
    return head.startswith("GET ") and "Accept-Encoding: gzip" in head


def test_an_interruption_of_the_deletion_waits_and_a_second_one_does_not(listening: Server, tmp_path: Path) -> None:
    versions = listening.create_collection()
    with (
        relay(listening.direct.host, is_deletion, hangs_up=False) as between,
        doctor(listening, versions, tmp_path, between.port) as running,
    ):
        assert between.kept.wait(60)
        running.terminate()
        eventually(lambda: ignores_no_more(running.pid, signal.SIGINT))
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == -signal.SIGINT


def ignores_no_more(pid: int, number: int) -> bool:
    """Whether a signal has its default action in a process again."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    return not int(caught.split()[1], 16) >> (number - 1) & 1


def doctor(server: Server, versions: str, root: Path, port: int) -> Any:
    """Start the command, to be stopped by a signal."""
    (root / "token").write_text(server.token)
    options = ("--token-file", "token", "--collection", collection_id(versions), "--pause", "0")
    return console.started(console.bare(root), "doctor", f"http://127.0.0.1:{port}", *options)
