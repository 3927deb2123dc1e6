"""The way back from the writer's thread: every result arrives, and the loop is woken once a group."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from hansa.kernel.errors import Unavailable
from hansa.web.api.commits import Commits


def test_a_group_wakes_the_loop_once_and_every_result_arrives() -> None:
    async def run() -> tuple[list[int], int]:
        loop = asyncio.get_running_loop()
        commits = Commits(loop)
        calls = 0
        call = loop.call_soon_threadsafe

        def counted(*arguments: Any) -> asyncio.Handle:
            nonlocal calls
            calls += 1
            return call(*arguments)

        loop.call_soon_threadsafe = counted  # type: ignore[method-assign]
        futures: list[Future[int]] = [Future() for _ in range(50)]
        tasks = [asyncio.ensure_future(commits.settled(future)) for future in futures]
        await asyncio.sleep(0)
        for number, future in enumerate(futures):
            future.set_result(number)
        return await asyncio.gather(*tasks), calls

    results, calls = asyncio.run(run())
    assert results == list(range(50))
    assert calls == 1


def test_results_from_another_thread_all_arrive() -> None:
    async def run() -> int:
        commits = Commits(asyncio.get_running_loop())
        with ThreadPoolExecutor(4) as pool:
            waiting = [commits.settled(pool.submit(lambda n=n: n)) for n in range(2000)]
            return sum(await asyncio.gather(*waiting))

    assert asyncio.run(run()) == sum(range(2000))


def test_an_error_is_raised_where_it_is_awaited() -> None:
    async def run() -> None:
        future: Future[int] = Future()
        future.set_exception(Unavailable("the store", "is full"))
        await Commits(asyncio.get_running_loop()).settled(future)

    with pytest.raises(Unavailable, match="is full"):
        asyncio.run(run())


def test_giving_up_leaves_the_future_alone_and_the_others_unharmed() -> None:
    async def run() -> int:
        commits = Commits(asyncio.get_running_loop())
        given_up: Future[int] = Future()
        other: Future[int] = Future()
        first = asyncio.ensure_future(commits.settled(given_up))
        second = asyncio.ensure_future(commits.settled(other))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        given_up.set_result(1)
        other.set_result(2)
        return await second

    assert asyncio.run(run()) == 2
