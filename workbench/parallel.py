"""Working through many items in processes, so that one that crashes does not take the others with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

_WINDOW = 4
"""Items in flight for each process: enough to keep it busy, few enough to stay small in memory."""


def map_isolated(
    function: Callable[[Item], Value], items: Sequence[Item], *, jobs: int
) -> Iterator[tuple[Item, Value | Exception]]:
    """Yield each item with what a function makes of it, in the order in which they are done.

    Parameters
    ----------
    function : callable
        Importable by name, as every process imports it anew.
    items : sequence
        What it is called with, one at a time; picklable.
    jobs : int
        Number of processes; 1 stays in this one.

    Yields
    ------
    item, value or Exception
        An exception that the function raised, or `BrokenProcessPool` for an item that killed its process.

    Examples
    --------
    >>> import math
    >>> list(map_isolated(math.sqrt, [4.0, 9.0], jobs=1))
    [(4.0, 2.0), (9.0, 3.0)]
    """
    if jobs <= 1 or len(items) < 2:
        for item in items:
            yield item, _call(function, item)
        return
    waiting, suspects = deque(items), deque[Item]()
    while waiting:
        yield from _until_broken(function, waiting, suspects, jobs)
    # A dying process takes all that was in flight with it; alone, each item shows whether it was the culprit.
    for item in suspects:
        yield item, _alone(function, item)


def _call(function: Callable[[Item], Value], item: Item) -> Value | Exception:
    try:
        return function(item)
    except Exception as error:
        return error


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn"))


def _until_broken(
    function: Callable[[Item], Value], waiting: deque[Item], suspects: deque[Item], jobs: int
) -> Iterator[tuple[Item, Value | Exception]]:
    """Work until nothing waits or a process dies; what was in flight then becomes suspect."""
    running: dict[Future[Value], Item] = {}
    with _pool(jobs) as executor:
        while running or waiting:
            try:
                while waiting and len(running) < _WINDOW * jobs:
                    running[executor.submit(function, waiting[0])] = waiting[0]
                    waiting.popleft()
            except BrokenProcessPool:
                pass
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            broken = False
            for future in done:
                item, error = running.pop(future), future.exception()
                if isinstance(error, BrokenProcessPool):
                    suspects.append(item)
                    broken = True
                else:
                    yield item, future.result() if error is None else _as_exception(error)
            if broken:
                suspects.extend(running.values())
                return


def _alone(function: Callable[[Item], Value], item: Item) -> Value | Exception:
    with _pool(1) as executor:
        error = (future := executor.submit(function, item)).exception()
        return future.result() if error is None else _as_exception(error)


def _as_exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(repr(error))
