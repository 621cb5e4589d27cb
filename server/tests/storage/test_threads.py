"""How tasks leave blocking calls behind, and when they do not."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable

import pytest

from backup_repository.storage.threads import Threads, outlast


class Failed(Exception):
    """What a call raises."""


def fail() -> None:
    raise Failed


async def test_calls_give_their_result_or_their_error() -> None:
    threads = Threads("test", 1)
    assert await threads.run(divmod, 7, 2) == (3, 1)
    assert await threads.complete(divmod, 7, 2) == (3, 1)
    for wait in (threads.run, threads.complete):
        with pytest.raises(Failed):
            await wait(fail)


async def test_calls_run_beside_the_event_loop_and_bounded() -> None:
    threads = Threads("test", 3)
    everybody = threading.Barrier(3, timeout=30)

    def meet() -> int:
        everybody.wait()
        return threading.get_ident()

    found = await asyncio.gather(*(threads.run(meet) for _ in range(9)))
    assert threading.get_ident() not in found
    assert len(set(found)) == 3


async def test_one_pool_does_not_hold_up_another() -> None:
    let_go = threading.Event()
    stuck = Threads("stuck", 1)
    waiting = stuck.begin(let_go.wait)
    assert await Threads("free", 1).run(int) == 0
    assert not waiting.done()
    let_go.set()
    assert await outlast(waiting)


async def test_a_cancelled_run_does_not_wait() -> None:
    let_go, ended = threading.Event(), threading.Event()

    def call() -> None:
        let_go.wait()
        ended.set()

    task = asyncio.create_task(Threads("test", 1).run(call))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended.is_set()
    let_go.set()
    assert await asyncio.to_thread(ended.wait, 30)


@pytest.mark.parametrize("end", [int, fail], ids=["result", "error"])
async def test_a_cancelled_complete_waits_for_the_end(end: Callable[[], object]) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        let_go.wait()
        end()

    task = asyncio.create_task(Threads("test", 1).complete(call))
    await asyncio.to_thread(begun.wait, 30)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nobody_complains_about_an_error_that_a_cancelled_task_left_behind() -> None:
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    future: asyncio.Future[None] = loop.create_future()
    task = asyncio.create_task(outlast(future))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    future.set_exception(Failed())
    await asyncio.wait([task])
    assert task.cancelled()
    del future, task
    gc.collect()
    assert complaints == []


async def test_a_time_limit_around_complete_is_told_when_the_call_has_ended() -> None:
    let_go = threading.Event()
    asyncio.get_running_loop().call_later(0.05, let_go.set)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await Threads("test", 1).complete(let_go.wait)
    assert let_go.is_set()


async def test_outlasting_a_cancelled_future_tells_so() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outlast(future)
