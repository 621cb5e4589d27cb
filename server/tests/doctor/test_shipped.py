"""The shipped deployment passes, from outside and from inside, and so does a server without NGINX (case 24)."""

from __future__ import annotations

from pathlib import Path

from world import console
from world.authority import Authority
from world.examination import HEALTH_CODE, NAME, collection_id, examined, inner, public
from world.front import Front
from world.instance import Installation, Server
from world.waiting import eventually

from backup_repository.doctor.examine import CHECKS
from backup_repository.doctor.found import Verdict


def place_with_secrets(root: Path, served: Server, authority: Authority) -> tuple[Installation, list[str]]:
    """A machine without any setting of a server, and the options that name its files."""
    (root / "token").write_text(f"{served.token}\n")
    (root / "code").write_text(f"{HEALTH_CODE}\n")
    options = ["--token-file", "token", "--health-code-file", "code", "--pause", "1"]
    return console.bare(root, SSL_CERT_FILE=str(authority.file)), options


def test_the_shipped_deployment_passes_and_nothing_is_left(
    served: Server, fronted: Front, authority: Authority, tmp_path: Path
) -> None:
    """Case 24."""
    place, options = place_with_secrets(tmp_path, served, authority)
    versions = served.create_collection()
    ran = console.run(place, "doctor", public(fronted), *options, "--collection", collection_id(versions))
    assert ran.code == 0, ran.out
    assert [line.split()[0] for line in ran.out.splitlines()] == ["OK"] * len(CHECKS), ran.out
    assert ran.err == f"{len(CHECKS)} checks: {len(CHECKS)} OK, 0 WARN, 0 FAIL, 0 SKIP\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["code", "token"]
    assert served.direct.ask("GET", versions, served.bearer).json()["versions"] == {}
    assert eventually(lambda: served.leftovers() == [])


def test_json_is_one_document_without_secrets(
    served: Server, fronted: Front, authority: Authority, tmp_path: Path
) -> None:
    place, options = place_with_secrets(tmp_path, served, authority)
    url = f"{public(fronted)}/?code={HEALTH_CODE}"
    ran = console.run(
        place, "doctor", url, *options, "--collection", collection_id(served.create_collection()), "--json"
    )
    assert ran.code == 0, ran.out
    document = ran.json()
    assert (document["url"], document["passed"]) == (public(fronted), True)
    assert [check["check"] for check in document["checks"]] == list(CHECKS)
    assert {check["verdict"] for check in document["checks"]} == {"OK"}
    assert all(check["message"] for check in document["checks"])
    for secret in (served.token, HEALTH_CODE):
        assert secret not in ran.out + ran.err


def test_it_passes_from_inside_at_the_address_of_the_application_nginx(served: Server, fronted: Front) -> None:
    versions = served.create_collection()
    found = examined(
        inner(fronted), pause=1, token=served.token, health_code=HEALTH_CODE, collection=collection_id(versions)
    )
    assert {finding.verdict for finding in found.values()} == {Verdict.OK}, found
    assert "nothing leaves this machine" in found["TLS"].sentence


def test_without_secrets_what_needs_them_is_skipped(fronted: Front) -> None:
    found = examined(public(fronted), pause=1)
    skipped = {name: finding.sentence for name, finding in found.items() if finding.verdict is not Verdict.OK}
    assert set(skipped) == {"forged hand-over header", "health", "round trip"}
    assert {found[name].verdict for name in skipped} == {Verdict.SKIP}
    assert all("Needs --" in sentence for sentence in skipped.values())


def test_what_was_given_is_not_asked_for_again(served: Server, fronted: Front) -> None:
    found = examined(public(fronted), pause=1, token=served.token)
    assert "Needs --collection;" in found["round trip"].sentence
    assert found["forged hand-over header"].sentence == "Needs --collection."


def test_a_server_without_nginx_passes(listening: Server) -> None:
    versions = listening.create_collection()
    found = examined(
        f"http://{listening.direct.host}", token=listening.token, collection=collection_id(versions), pause=1
    )
    verdicts = {name: finding.verdict for name, finding in found.items()}
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.SKIP} == {"buffering", "health"}, found
    assert set(verdicts.values()) == {Verdict.OK, Verdict.SKIP}
    assert "X-Body-Receive-Seconds" in found["buffering"].sentence
    assert listening.direct.ask("GET", versions, listening.bearer).json()["versions"] == {}
    assert eventually(lambda: listening.leftovers() == [])


def test_a_server_without_nginx_is_not_tried_with_pauses_by_a_guest(listening: Server) -> None:
    found = examined(f"http://{listening.direct.host}", pause=1)
    assert found["time-outs"].verdict is Verdict.SKIP
    assert "--token-file and --collection" in found["time-outs"].sentence


def test_the_name_of_the_installation_may_be_written_in_any_case(fronted: Front) -> None:
    found = examined(public(fronted).replace(NAME, NAME.upper()))
    assert found["TLS"].verdict is Verdict.OK
    assert (found["time-outs"].verdict, found["time-outs"].sentence) == (Verdict.SKIP, "Not done: --pause is 0.")
