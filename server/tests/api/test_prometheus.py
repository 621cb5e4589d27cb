"""`GET /metrics`: what Prometheus reads (contract 2)."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as families
from world.answers import refusal
from world.client import COLLECTIONS, LOGIN, PASSWORD, Client, Serve, Served
from world.programs import require_program

from backup_repository.errors import StorageUnavailable
from backup_repository.metrics.names import METRICS, Type

PATH = "/metrics"
CODE = {"code": "metrics secret"}
Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """Give each number by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families(text)
        for sample in family.samples
    }


async def scraped(served: Served) -> Samples:
    answer = await served.guest().get(PATH, params=CODE)
    assert answer.status_code == 200
    return samples(answer.text)


async def moved(served: Served, before: Samples, *names: str) -> Samples:
    """Give the numbers of these metrics that have changed, by how much."""
    after = await scraped(served)
    return {
        (key[0].removeprefix("backup_repository_"), *key[1:]): value - before.get(key, 0)
        for key, value in after.items()
        if value != before.get(key, 0) and key[0].removeprefix("backup_repository_").startswith(names)
    }


async def test_the_answer_is_prometheus_text(served: Served) -> None:
    answer = await served.guest().get(PATH, params=CODE)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.endswith("\n")
    assert samples(answer.text)["backup_repository_collections",] == 0


async def test_every_metric_has_the_type_and_the_help_of_the_list(served: Served, alice: Client) -> None:
    collection = await alice.create_collection()
    await alice.upload(collection["id"], b"abc")
    await served.instance.sweep.run(0)
    text = (await served.guest().get(PATH, params=CODE)).text
    shown = {family.name: (family.type, family.documentation) for family in families(text)}
    assert shown == {metric.name.removesuffix("_total"): (metric.type.value, metric.help) for metric in METRICS}


async def test_prometheus_has_nothing_to_say_against_it(served: Served, alice: Client) -> None:
    """Its own check reads the format and knows the conventions of names, units and helps."""
    program = require_program("promtool")
    collection = await alice.create_collection(filename="odd [name], $1@(x)!")
    await alice.upload(collection["id"], b"abc")
    await alice.delete(f"{COLLECTIONS}/{collection['id']}/versions/latest")
    await served.guest().log_in(alice.email)
    await served.instance.sweep.run(0)
    shown = (await served.guest().get(PATH, params=CODE)).content
    checked = await asyncio.to_thread(
        subprocess.run, [program, "check", "metrics"], input=shown, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


async def test_the_numbers_of_the_line_are_there(served: Served, alice: Client) -> None:
    collection = await alice.create_collection(maxCollectionSize="10MB")
    for content in (b"a" * 100, b"b" * 23):
        await alice.upload(collection["id"], content)
    seen = await scraped(served)
    expected = {
        "declared_space_bytes": 10_000_000,
        "used_space_bytes": 123,
        "active_accounts": 1,
        "active_tokens": 1,
        "versions": 2,
        "collections": 1,
        "tags": 0,
    }
    assert {name: seen[f"backup_repository_{name}",] for name in expected} == expected


async def test_a_collection_shows_its_last_success_its_size_and_its_versions(served: Served, alice: Client) -> None:
    served.clock.hold()
    full, empty = await alice.create_collection(filename="a [b], $c.tar"), await alice.create_collection()
    await alice.upload(full["id"], b"12345")
    served.clock.advance(hours=1)
    await alice.upload(full["id"], b"123456")
    seen = await scraped(served)
    named = (full["id"], full["filename"])
    prefix = "backup_repository_collection_"
    assert seen[f"{prefix}last_success_timestamp_seconds", *named] == served.clock().timestamp()
    assert seen[f"{prefix}size_bytes", *named] == 11
    assert seen[f"{prefix}versions", *named] == 2
    assert (f"{prefix}last_success_timestamp_seconds", empty["id"], empty["filename"]) not in seen
    assert seen[f"{prefix}versions", empty["id"], empty["filename"]] == 0


async def test_those_that_have_waited_longest_are_always_in_sight(
    served: Served, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backup_repository.health.scrape.MOST_COLLECTIONS", 2)
    made = [await alice.create_collection() for _ in range(4)]
    for one in (2, 0):  # 1 and 3 are empty
        served.clock.advance(minutes=1)
        assert (await alice.upload(made[one]["id"], b"abc")).status_code == 200
    seen = await scraped(served)
    shown = {key[1] for key in seen if key[0] == "backup_repository_collection_versions"}
    assert shown == {made[1]["id"], made[3]["id"]}
    assert seen["backup_repository_collections_left_out",] == 2


async def test_requests_are_counted_by_route_and_kind(served: Served, alice: Client) -> None:
    before = await scraped(served)
    await alice.get(f"{COLLECTIONS}?searchQuery=private")
    await alice.get(COLLECTIONS)
    await served.guest().get(COLLECTIONS)
    await alice.request("BREW", COLLECTIONS)
    found = await moved(served, before, "http_requests_total")
    found.pop(("http_requests_total", "GET", PATH, "2xx"))
    assert found == {
        ("http_requests_total", "GET", COLLECTIONS, "2xx"): 2,
        ("http_requests_total", "GET", COLLECTIONS, "4xx"): 1,
        ("http_requests_total", "other", COLLECTIONS, "4xx"): 1,
    }


async def test_durations_are_counted_by_route(served: Served, alice: Client) -> None:
    await alice.get(COLLECTIONS)
    name = "backup_repository_http_request_duration_seconds"
    found = await scraped(served)
    assert found[f"{name}_bucket", "+Inf", COLLECTIONS] == found[f"{name}_count", COLLECTIONS] == 1
    buckets = [value for key, value in found.items() if key[0] == f"{name}_bucket" and key[2] == COLLECTIONS]
    assert buckets == sorted(buckets)
    assert found[f"{name}_sum", COLLECTIONS] > 0


async def test_unknown_paths_make_one_series(served: Served) -> None:
    guest, before = served.guest(), await scraped(served)
    for number in range(20):
        await guest.get(f"/nowhere/{number}")
    found = await moved(served, before, "http_requests_total")
    found.pop(("http_requests_total", "GET", PATH, "2xx"))
    assert found == {("http_requests_total", "GET", "(unknown path)", "4xx"): 20}


async def test_bytes_are_counted_both_ways(served: Served, alice: Client) -> None:
    collection = await alice.create_collection()
    await alice.upload(collection["id"], b"x" * 5000)
    before = await scraped(served)
    downloaded = await alice.get(f"{COLLECTIONS}/{collection['id']}/versions/latest")
    found = await moved(served, before, "http_")
    assert len(downloaded.content) == 5000
    assert found["http_sent_bytes_total",] > 5000
    assert ("http_received_bytes_total",) not in found
    again = await scraped(served)
    await alice.upload(collection["id"], b"y" * 700)
    assert (await moved(served, again, "http_received"))["http_received_bytes_total",] == 700


async def test_uploads_are_counted_by_how_they_end(served: Served, alice: Client, bob: Client) -> None:
    collection = await alice.create_collection(maxOneVersionSize="1kB")
    before = await scraped(served)
    await alice.upload(collection["id"], b"x" * 900)
    await alice.upload(collection["id"], b"x" * 900)
    await alice.upload(collection["id"], b"x" * 1100)
    await alice.upload(collection["id"], b"")
    await alice.upload(collection["id"], b"abc", headers={"X-Checksum-Sha256": "0" * 64})
    await bob.upload(collection["id"], b"abc")
    await alice.upload("no-such-collection", b"abc")
    found = await moved(served, before, "upload")
    assert {key: value for key, value in found.items() if key[0] == "uploads_total"} == {
        # the labels in the order of their names: code, outcome
        ("uploads_total", "", "stored"): 1,
        ("uploads_total", "41011", "refused"): 1,
        ("uploads_total", "40109", "refused"): 1,
        ("uploads_total", "42009", "broken"): 1,
        ("uploads_total", "42024", "broken"): 1,
        ("uploads_total", "40308", "refused"): 1,
        ("uploads_total", "404", "refused"): 1,
    }
    assert (found["upload_size_bytes_count",], found["upload_size_bytes_sum",]) == (1, 900)
    assert (found["upload_size_bytes_bucket", "10000.0"], found["upload_duration_seconds_count",]) == (1, 1)
    assert ("uploads_in_progress",) not in found


async def test_a_refused_expectation_and_a_failing_storage_are_told_apart(
    served: Served, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = await alice.create_collection()
    before = await scraped(served)
    await alice.upload(collection["id"], b"abc", headers={"Expect": "the unexpected"})

    async def fail(*_: Any, **__: Any) -> Any:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(served.instance.uploads, "_register", fail)
        assert (await alice.upload(collection["id"], b"abc")).status_code == 503
    assert await moved(served, before, "uploads_total", "storage_errors") == {
        ("uploads_total", "417", "broken"): 1,
        ("uploads_total", "42003", "failed"): 1,
        ("storage_errors_total", "42003"): 1,
    }


async def test_an_upload_is_in_progress_until_it_ends(served: Served, alice: Client) -> None:
    collection = await alice.create_collection()
    seen = []

    async def body() -> Any:
        yield b"abc"
        seen.append((await scraped(served))["backup_repository_uploads_in_progress",])

    assert (await alice.upload(collection["id"], body())).status_code == 200
    seen.append((await scraped(served))["backup_repository_uploads_in_progress",])
    assert seen == [1, 0]


async def test_a_blob_that_is_gone_is_a_storage_error_and_an_unknown_name_is_none(
    served: Served, admin: Client, alice: Client
) -> None:
    collection = await alice.create_collection()
    await alice.upload(collection["id"], b"abc")
    for file in served.storage.rglob("*"):
        if file.is_file():
            file.unlink()
    before = await scraped(served)
    assert (await alice.get(f"{COLLECTIONS}/{collection['id']}/versions/latest")).status_code == 500
    assert await moved(served, before, "storage_errors") == {("storage_errors_total", "42002"): 1}
    unknown = await admin.get("/api/stable/repository/file/nothing-of-that-name")
    assert refusal(unknown) == (404, 42000, "app.not-found")
    assert await moved(served, before, "storage_errors") == {("storage_errors_total", "42002"): 1}


async def test_log_ins_are_counted_by_how_they_end(served: Served, alice: Client) -> None:
    guest = served.guest()
    off = await served.create_user(active=False)
    before = await scraped(served)
    await guest.log_in(alice.email)
    await guest.post(LOGIN, json={"username": off.email, "password": PASSWORD})
    for _ in range(12):
        await guest.post(LOGIN, json={"username": "nobody@example.org", "password": PASSWORD})
    assert await moved(served, before, "logins") == {
        ("logins_total", "accepted"): 1,
        ("logins_total", "refused"): 1,
        ("logins_total", "failed"): 10,
        ("logins_total", "throttled"): 2,
    }


async def test_the_sweep_tells_when_it_ran_and_what_it_removed(served: Served, alice: Client) -> None:
    served.clock.hold()
    collection = await alice.create_collection()
    await alice.upload(collection["id"], b"abc")
    await alice.delete(f"{COLLECTIONS}/{collection['id']}/versions/latest")
    before = await scraped(served)
    assert ("backup_repository_sweep_last_run_timestamp_seconds",) not in before
    await served.instance.sweep.run(0, dry_run=True)
    assert await moved(served, before, "sweep") == {}
    await served.instance.sweep.run(0)
    assert await moved(served, before, "sweep") == {
        ("sweep_last_run_timestamp_seconds",): served.clock().timestamp(),
        ("sweep_removed_blobs_total", "retired"): 1,
    }


async def test_a_sweep_that_fails_is_counted_with_what_stopped_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await scraped(served)

    async def fail(_age: float) -> int:
        raise StorageUnavailable

    monkeypatch.setattr(served.instance.sweep._storage, "clear_litter", fail)
    with pytest.raises(StorageUnavailable):
        await served.instance.sweep.run(0)
    assert await moved(served, before, "sweep", "storage_errors") == {
        ("sweep_errors_total",): 1,
        ("storage_errors_total", "42003"): 1,
    }


async def test_without_a_database_the_counters_remain(serve: Serve) -> None:
    served = serve(database_url="postgresql://nobody:secret@127.0.0.1:1/nothing")
    await served.guest().post(LOGIN, json={"username": "a@example.org", "password": PASSWORD})
    seen = await scraped(served)
    assert seen["backup_repository_database_up",] == 0
    assert seen["backup_repository_database_errors_total",] == 2  # the log-in, and this scrape
    assert seen["backup_repository_logins_total", "error"] == 1
    assert ("backup_repository_versions",) not in seen


async def test_the_machine_is_measured(served: Served) -> None:
    seen = await scraped(served)
    assert 0 <= seen["backup_repository_storage_free_bytes",] < seen["backup_repository_storage_size_bytes",]
    assert seen["process_resident_memory_bytes",] > 10_000_000
    assert seen["process_open_fds",] > 3
    assert time.time() - 86400 < seen["process_start_time_seconds",] <= time.time()
    (build,) = (key for key in seen if key[0] == "backup_repository_build_info")
    assert build[1] == served.instance.database.name  # then python and version


async def test_a_storage_that_is_gone_is_not_measured(served: Served) -> None:
    served.storage.rmdir()
    assert ("backup_repository_storage_free_bytes",) not in await scraped(served)


async def test_a_read_only_instance_is_scraped(serve: Serve) -> None:
    assert (await scraped(serve(read_only=True)))["backup_repository_database_up",] == 1


async def test_instances_count_for_themselves(served: Served, serve: Serve) -> None:
    other = serve()
    await served.guest().get("/nowhere")
    assert ("backup_repository_http_requests_total", "GET", "(unknown path)", "4xx") not in await scraped(other)


async def test_a_deleted_collection_leaves_no_series_behind(served: Served, alice: Client) -> None:
    collection = await alice.create_collection()
    assert [key for key in await scraped(served) if collection["id"] in key]
    await alice.delete(f"{COLLECTIONS}/{collection['id']}")
    assert not [key for key in await scraped(served) if collection["id"] in key]


def test_names_follow_the_conventions() -> None:
    assert not [name for name, times in Counter(metric.name for metric in METRICS).items() if times > 1]
    for metric in METRICS:
        assert (metric.type is Type.COUNTER) == metric.name.endswith("_total"), metric.name
        assert metric.help.endswith("."), metric.name
        assert metric.name.startswith(("backup_repository_", "process_")), metric.name
        assert (metric.type is Type.HISTOGRAM) == bool(metric.bounds), metric.name
        assert list(metric.bounds) == sorted(set(metric.bounds)), metric.name
        assert all(len(labels) == len(metric.labels) for labels in metric.known), metric.name
