"""
The client for asyncio. Each call runs on a thread of the client's own.

The client uses threads, because the standard library has no asynchronous HTTP: a second implementation of HTTP, TLS and connection
reuse would be the larger half of this package, for calls that mostly wait. It does not use ``asyncio.to_thread``, because calls that wait
for results would occupy the event loop's default threads, which also resolve names.
"""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import datetime
from queue import SimpleQueue
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Dict, Iterable, List, Mapping, Optional, Type, TypeVar, Union

from .batches import BatchReport, carry
from .calls import Call, CallStopped, carry_out
from .client import EVERY, Client, Every, prefix_text
from .commands import Sensitivity
from .errors import ConfigurationError
from .results import Page, Result, StatsReport
from .transactions import Amount, Id, Key, Time, Transaction

T = TypeVar("T")


class AsyncClient:
    """
    Has the methods of ``Client``, to be awaited. Up to ``concurrency`` calls run at the same time; further calls wait for a thread.

    When a task is cancelled, its call stops at once: its pause ends, its connection is cut, and nothing more is sent. As after a time-out, the
    caller then does not know whether the transaction was submitted, and submitting it again with the same idempotency key is safe.
    """

    def __init__(self, base_url: str, key: Optional[str] = None, *, timeout: float = 10.0, retries: int = 5, concurrency: int = 16) -> None:
        self._client = Client(base_url, key, timeout=timeout, retries=retries)
        self._threads = _Threads(concurrency)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        if error is not None:
            self._threads.stop_calls()
        await self.close()

    async def close(self) -> None:
        """
        Waits for calls that are under way, and closes the connections. When the task that waits is cancelled, or an exception leaves the
        ``async with`` block, the calls are stopped instead and raise ConnectionFailed.
        """
        try:
            await self._threads.close()
        finally:
            self._client.close()

    async def submit(
        self,
        user_id: Id,
        category_id: Id,
        amount: Amount,
        *,
        occurred_at: Optional[Time] = None,
        idempotency_key: Optional[Key] = None,
        wait: float = 0,
    ) -> Result:
        """As ``Client.submit``."""
        return await self._run(
            lambda: self._client.submit(user_id, category_id, amount, occurred_at=occurred_at, idempotency_key=idempotency_key, wait=wait)
        )

    async def submit_many(
        self,
        transactions: Iterable[Union[Transaction, Mapping[str, Any]]],
        *,
        idempotency_prefix: Optional[Key] = None,
        report: Optional[BatchReport] = None,
        history: bool = False,
    ) -> BatchReport:
        """
        As ``Client.submit_many``; the iterable is read on the call's thread. The ``CancelledError`` of a cancelled call has the report so far, but asyncio
        may replace that exception on its way to another task: give a ``report`` of your own to have it in any case.
        """
        prefix = prefix_text(idempotency_prefix)
        filled = BatchReport() if report is None else report
        try:
            return await self._run(lambda: self._client.submit_many(transactions, idempotency_prefix=prefix, report=filled, history=history))
        except asyncio.CancelledError as error:
            carry(error, filled, prefix)
            raise

    async def get(self, transaction_id: str, *, wait: float = 0) -> Result:
        """As ``Client.get``."""
        return await self._run(lambda: self._client.get(transaction_id, wait=wait))

    async def get_many(self, transaction_ids: Iterable[str]) -> List[Result]:
        """As ``Client.get_many``."""
        return await self._run(lambda: self._client.get_many(transaction_ids))

    async def wait_for(self, transaction_id: str, timeout: float = 60.0) -> Result:
        """As ``Client.wait_for``."""
        return await self._run(lambda: self._client.wait_for(transaction_id, timeout))

    async def results(self, after: Optional[str] = None, *, limit: int = 1_000) -> Page:
        """As ``Client.results``."""
        return await self._run(lambda: self._client.results(after, limit=limit))

    async def anomalies(
        self,
        *,
        user_id: Union[Id, Every] = EVERY,
        category_id: Union[Id, Every] = EVERY,
        since: Optional[datetime] = None,
        until: Optional[datetime] = None,
    ) -> AsyncIterator[Result]:
        """As ``Client.anomalies``, for ``async for``."""
        found = self._client.anomalies(user_id=user_id, category_id=category_id, since=since, until=until)
        while True:
            result = await self._run(lambda: next(found, None))
            if result is None:
                return
            yield result

    async def put_stats(self, baselines: Iterable[Mapping[str, Any]]) -> StatsReport:
        """As ``Client.put_stats``."""
        return await self._run(lambda: self._client.put_stats(baselines))

    async def feedback(self, transaction_id: str, verdict: Optional[str], *, wait: float = 0) -> Optional[Result]:
        """As ``Client.feedback``."""
        return await self._run(lambda: self._client.feedback(transaction_id, verdict, wait=wait))

    async def withdraw(self, transaction_id: str, *, wait: float = 0) -> bool:
        """As ``Client.withdraw``."""
        return await self._run(lambda: self._client.withdraw(transaction_id, wait=wait))

    async def set_sensitivity(self, settings: Iterable[Union[Sensitivity, Mapping[str, Any]]], *, wait: float = 0) -> bool:
        """As ``Client.set_sensitivity``."""
        return await self._run(lambda: self._client.set_sensitivity(settings, wait=wait))

    async def remove_sensitivity(self, *, user_id: Optional[Id], category_id: Optional[Id] = None, wait: float = 0) -> bool:
        """As ``Client.remove_sensitivity``."""
        return await self._run(lambda: self._client.remove_sensitivity(user_id=user_id, category_id=category_id, wait=wait))

    async def sensitivity(self, *, user_id: Union[Id, Every] = EVERY) -> AsyncIterator[Dict[str, Any]]:
        """As ``Client.sensitivity``, for ``async for``."""
        found = self._client.sensitivity(user_id=user_id)
        while True:
            setting = await self._run(lambda: next(found, None))
            if setting is None:
                return
            yield setting

    async def add_destination(self, user_id: Id, destination: Mapping[str, Any], *, wait: float = 0) -> str:
        """As ``Client.add_destination``."""
        return await self._run(lambda: self._client.add_destination(user_id, destination, wait=wait))

    async def destinations(self, user_id: Id) -> List[Dict[str, Any]]:
        """As ``Client.destinations``."""
        return await self._run(lambda: self._client.destinations(user_id))

    async def remove_destination(self, user_id: Id, destination_id: str, *, wait: float = 0) -> bool:
        """As ``Client.remove_destination``."""
        return await self._run(lambda: self._client.remove_destination(user_id, destination_id, wait=wait))

    async def erase_user(self, user_id: Id, *, wait: float = 0) -> bool:
        """As ``Client.erase_user``."""
        return await self._run(lambda: self._client.erase_user(user_id, wait=wait))

    async def erasure(self, user_id: Id) -> str:
        """As ``Client.erasure``."""
        return await self._run(lambda: self._client.erasure(user_id))

    async def check(self) -> None:
        """As ``Client.check``."""
        await self._run(self._client.check)

    async def status(self, *, fresh: bool = False) -> Dict[str, Any]:
        """As ``Client.status``."""
        return await self._run(lambda: self._client.status(fresh=fresh))

    async def _run(self, work: Callable[[], T]) -> T:
        call = Call()
        try:
            return await self._threads.start(call, work)
        except asyncio.CancelledError:
            call.stop()
            raise


class _Threads:
    """
    Carries out calls on up to ``most`` threads, which begin as they are needed. They are daemons, and nobody waits for the thread of a call that was
    stopped: one that hangs in the resolver of names keeps neither ``close`` nor the interpreter from ending.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ConfigurationError("concurrency must be at least 1.")
        self._most = most
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: "SimpleQueue[Optional[Callable[[], None]]]" = SimpleQueue()
        self._started = self._idle = 0
        self._open: "Dict[Call, asyncio.Future[Any]]" = {}

    def start(self, call: Call, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Returns the future outcome of the work, which is carried out as this call."""
        if self._closed:
            raise RuntimeError("The AsyncClient is closed.")
        if self._process != os.getpid():
            # The threads and their work belong to the parent of the fork.
            self._begin()
        loop = asyncio.get_running_loop()
        answer: "asyncio.Future[T]" = loop.create_future()

        def serve() -> None:
            deliver = _outcome_of(call, work, answer)
            with self._lock:
                del self._open[call]
                self._idle += 1
            try:
                loop.call_soon_threadsafe(deliver)
            except RuntimeError:
                # The loop is closed, so nobody waits for the answer.
                pass

        with self._lock:
            self._open[call] = answer
            if self._idle > 0:
                self._idle -= 1
            elif self._started < self._most:
                self._started += 1
                threading.Thread(target=self._serve, name=f"finance-ingest-{self._started}", daemon=True).start()
        self._waiting.put(serve)
        return answer

    def stop_calls(self) -> None:
        """Stops all calls; they raise CallStopped at once. Must be called by the thread of the event loop."""
        with self._lock:
            calls = list(self._open.items())
        for call, answer in calls:
            call.stop()
            if not answer.done():
                answer.set_exception(CallStopped())

    async def close(self) -> None:
        """Waits for the calls under way and ends the threads. When the waiting is cancelled, the calls are stopped."""
        self._closed = True
        with self._lock:
            answers = [answer for answer in self._open.values() if not answer.done()]
        try:
            if answers:
                await asyncio.wait(answers)
        except asyncio.CancelledError:
            self.stop_calls()
            raise
        finally:
            for _ in range(self._started):
                self._waiting.put(None)

    def _serve(self) -> None:
        while True:
            serve = self._waiting.get()
            if serve is None:
                return
            serve()


def _outcome_of(call: Call, work: Callable[[], T], answer: "asyncio.Future[T]") -> Callable[[], None]:
    """Carries out the work, and returns what brings its outcome to the event loop's thread, where a cancelled answer does not take it."""
    try:
        outcome = carry_out(call, work)
    except StopIteration as error:
        # A future can't have this exception, because it would end the coroutine that awaits it.
        stop = RuntimeError(f"The call raised {error!r}.")
        return lambda: None if answer.done() else answer.set_exception(stop)
    except BaseException as error:
        failure = error
        return lambda: None if answer.done() else answer.set_exception(failure)
    return lambda: None if answer.done() else answer.set_result(outcome)
