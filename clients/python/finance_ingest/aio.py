"""
The client for asyncio. Each call runs on a thread of the client's own pool.

The client uses threads, because the standard library has no asynchronous HTTP: a second implementation of HTTP, TLS and connection
reuse would be the larger half of this package, for calls that mostly wait. It does not use ``asyncio.to_thread``, because calls that wait
for results would occupy the event loop's default threads, which also resolve names.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Iterable, List, Mapping, Optional, Type, TypeVar, Union

from .batches import BatchReport
from .client import Client
from .results import Page, Result, StatsReport
from .transactions import Amount, Time, Transaction

T = TypeVar("T")


class AsyncClient:
    """
    Has the methods of ``Client``, to be awaited. Up to ``concurrency`` calls run at the same time; further calls wait for a thread.

    When a task is cancelled, its call goes on in its thread until the answer arrives. As after a time-out, the caller then does not know whether
    the transaction was submitted, and submitting it again with the same idempotency key is safe.
    """

    def __init__(self, base_url: str, key: Optional[str] = None, *, timeout: float = 10.0, retries: int = 5, concurrency: int = 16) -> None:
        self._client = Client(base_url, key, timeout=timeout, retries=retries)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="finance-ingest")

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for calls that are under way, and closes the connections."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        self._client.close()

    async def submit(
        self,
        user_id: int,
        category_id: int,
        amount: Amount,
        *,
        occurred_at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        wait: int = 0,
    ) -> Result:
        """As ``Client.submit``."""
        return await self._run(
            lambda: self._client.submit(user_id, category_id, amount, occurred_at=occurred_at, idempotency_key=idempotency_key, wait=wait)
        )

    async def submit_many(
        self, transactions: Iterable[Union[Transaction, Mapping[str, Any]]], *, idempotency_prefix: Optional[str] = None
    ) -> BatchReport:
        """As ``Client.submit_many``; the iterable is read on the call's thread."""
        return await self._run(lambda: self._client.submit_many(transactions, idempotency_prefix=idempotency_prefix))

    async def get(self, transaction_id: str, *, wait: int = 0) -> Result:
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
        user_id: Optional[int] = None,
        category_id: Optional[int] = None,
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

    async def check(self) -> None:
        """As ``Client.check``."""
        await self._run(self._client.check)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
