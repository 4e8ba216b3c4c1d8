"""The client, with every route of the service that an application needs."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Type, TypeVar, Union
from urllib.parse import quote, urlencode

from .batches import BatchReport, Item, Rejected, baseline_items, body_of, book, chunks, rejected_of, transaction_items
from .errors import (
    ABOUT_BLANK,
    ApiError,
    ConfigurationError,
    ConnectionFailed,
    FinanceIngestError,
    IncompleteSubmission,
    Problem,
    StillPending,
    TooLarge,
    TryLater,
    UnexpectedAnswer,
    ValidationFailed,
    api_error,
)
from .results import Page, Result, StatsReport
from .retrying import Backoff, Clock, retry_after_seconds
from .transactions import Amount, Time, Transaction, format_time
from .transport import Answer, Transport
from .version import __version__

LONGEST_WAIT = 30
"""The longest time for which the service holds an answer, in seconds."""

_MOST_IDS = 1_000

T = TypeVar("T")


class Client:
    """
    A client of one FinanceIngest service. Make one and keep it, because its connections stay open. It may be used by many threads and across a fork.

    The client repeats a call after a failed connection, 408, 429 and 5xx, up to ``retries`` times, with growing random pauses, and never
    before the service's ``Retry-After``. A repeat never counts a transaction twice, because every submission has an idempotency key. When the
    retries are used up, the last error is raised: ConnectionFailed or TryLater, both of which are ServiceUnavailable.

    :param base_url: the address of the service, such as ``http://127.0.0.1:7071``. Proxies of the environment are not used.
    :param key: the API key; None for a service without keys.
    :param timeout: seconds to wait for a connection, and for each piece of an answer after that.
    :param retries: the largest number of repeats of a call; 0 for none.
    """

    def __init__(self, base_url: str, key: Optional[str] = None, *, timeout: float = 10.0, retries: int = 5, clock: Optional[Clock] = None) -> None:
        if key is not None and not (key and all("!" <= character <= "~" for character in key)):
            raise ConfigurationError("The API key is empty or has characters that are not allowed in a key.")
        if timeout <= 0 or retries < 0:
            raise ConfigurationError("timeout must be more than 0 seconds, and retries not negative.")
        self._clock = clock or Clock()
        self._transport = Transport(base_url, self._clock)
        self._timeout = timeout
        self._retries = retries
        self._headers = {"User-Agent": f"finance-ingest-python/{__version__}", "Accept": "application/json"}
        if key is not None:
            self._headers["x-functions-key"] = key

    def __repr__(self) -> str:
        return f"Client({self._transport.address!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Closes the idle connections."""
        self._transport.close()

    def submit(
        self,
        user_id: int,
        category_id: int,
        amount: Amount,
        *,
        occurred_at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        wait: int = 0,
    ) -> Result:
        """
        Submits a transaction. When this returns, the transaction is durable, and it is scored if that took at most ``wait`` (up to 30) seconds.

        Without an ``idempotency_key`` the client makes one, so that retries within this call are recognised as repeats. Give a key of your own if
        you may make the call again.

        Raises InvalidTransaction for a transaction that can't be sent, and ValidationFailed for one that the service refuses.
        """
        fields = Transaction(user_id, category_id, amount, occurred_at, idempotency_key).to_json(str(uuid.uuid4()))
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        answer = self._call("POST", "/api/transactions", json.dumps(fields).encode("ascii"), headers=headers, wait=wait)
        return self._read(answer, Result.from_json)

    def submit_many(
        self, transactions: Iterable[Union[Transaction, Mapping[str, Any]]], *, idempotency_prefix: Optional[str] = None
    ) -> BatchReport:
        """
        Submits any number of transactions, in requests of at most 10,000 transactions and 16 MiB. The iterable is read while they are sent.

        A transaction without an ``idempotency_key`` gets ``PREFIX:INDEX``. Without an ``idempotency_prefix`` the client makes one. Give a prefix of
        your own, which stands for this list only, if you may make the call again after a crash.

        Transactions that the service can't accept at the moment are sent again; those that it refuses are in the report's ``rejected``.

        Raises IncompleteSubmission when it has to stop; the exception has the report so far, and says how to go on.
        """
        prefix = idempotency_prefix or str(uuid.uuid4())
        report = BatchReport()
        try:
            for chunk in chunks(transaction_items(transactions, prefix, report)):
                self._submit_chunk(chunk, report)
        except FinanceIngestError as error:
            raise IncompleteSubmission(report, error, prefix) from error
        finally:
            report.accepted.sort(key=lambda entry: entry.index)
            report.rejected.sort(key=lambda entry: entry.index)
        return report

    def get(self, transaction_id: str, *, wait: int = 0) -> Result:
        """
        Returns a transaction's result. With ``wait`` (up to 30 seconds) the service holds the answer that long while the transaction is pending.

        Raises NotFound for an id that was never issued, and Gone for one whose row was removed.
        """
        return self._read(self._get_transaction(transaction_id, wait), Result.from_json)

    def get_many(self, transaction_ids: Iterable[str]) -> List[Result]:
        """Returns the results of any number of transactions, in the order of the ids. An id that was never issued has the status ``unknown``."""
        ids = [str(transaction_id) for transaction_id in transaction_ids]
        results: List[Result] = []
        for start in range(0, len(ids), _MOST_IDS):
            body = json.dumps({"ids": ids[start : start + _MOST_IDS]}).encode("ascii")
            answer = self._call("POST", "/api/transactions/status", body)
            results += self._read(answer, lambda json: [Result.from_json(value) for value in json["results"]])
        return results

    def wait_for(self, transaction_id: str, timeout: float = 60.0) -> Result:
        """
        Waits until a transaction is scored or has failed.

        Raises StillPending after ``timeout`` seconds.
        """
        end = self._clock.monotonic() + timeout
        while True:
            asked_at = self._clock.monotonic()
            wait = max(0, min(LONGEST_WAIT, int(end - asked_at)))
            answer = self._get_transaction(transaction_id, wait)
            result = self._read(answer, Result.from_json)
            now = self._clock.monotonic()
            if not result.is_pending:
                return result
            if now >= end:
                raise StillPending(result, timeout)
            if now - asked_at < wait or wait == 0:
                # The service did not hold the answer, so a pause keeps this loop from asking without end.
                self._clock.sleep(min(retry_after_seconds(answer.headers, self._clock) or 1.0, end - now))

    def results(self, after: Optional[str] = None, *, limit: int = 1_000) -> Page:
        """
        Returns a page of the feed of all transactions that were scored or have failed, in that order. Keep the page's ``next`` and ask again with
        it; an empty page means that there is nothing new yet. Upsert by ``id``, because a result whose status changed comes again.

        Raises Gone for a cursor from before a restore of the service's database; start again without a cursor then.
        """
        answer = self._call("GET", "/api/results" + _query(after=after, limit=limit))
        return self._read(answer, lambda json: Page([Result.from_json(value) for value in json["results"]], json["next"]))

    def anomalies(
        self,
        *,
        user_id: Optional[int] = None,
        category_id: Optional[int] = None,
        since: Optional[datetime] = None,
        until: Optional[datetime] = None,
    ) -> Iterator[Result]:
        """Yields all anomalies that occurred from ``since`` (inclusive) to ``until`` (exclusive), newest first. Pages are read as they are needed."""
        times = {name: None if value is None else format_time(value) for name, value in (("from", since), ("to", until))}
        after: Optional[str] = None
        while True:
            query = _query(user_id=user_id, category_id=category_id, after=after, limit=1_000, **times)
            answer = self._call("GET", "/api/anomalies" + query)
            found, after = self._read(answer, lambda json: ([Result.from_json(value) for value in json["anomalies"]], json["next"]))
            yield from found
            if after is None:
                return

    def put_stats(self, baselines: Iterable[Mapping[str, Any]]) -> StatsReport:
        """
        Inserts or replaces baselines: mappings with ``user_id``, ``category_id``, ``mean``, ``std_dev`` and ``sample_count``. The key needs
        the scope ``admin``. The call may be repeated.
        """
        inserted = updated = 0
        rejected: List[Rejected] = []
        for chunk in chunks(baseline_items(baselines, rejected)):
            for report in self._put_chunk(chunk):
                inserted += report.inserted
                updated += report.updated
                rejected += report.rejected
        return StatsReport(inserted, updated, rejected)

    def check(self) -> None:
        """
        Returns when the service accepts transactions and this client's key may read. The service does not use its database for that.

        Raises the error of this package that describes the problem.
        """
        self._read(self._call("GET", "/readyz"), lambda json: dict(json["dependencies"]))
        # For an empty list of ids the service checks the key and does not use its database.
        self._call("POST", "/api/transactions/status", b'{"ids":[]}')

    def _get_transaction(self, transaction_id: str, wait: int) -> Answer:
        target = f"/api/transactions/{quote(str(transaction_id), safe='')}"
        return self._call("GET", target + _query(wait=wait or None), wait=wait)

    def _put_chunk(self, chunk: List[Item]) -> Iterator[StatsReport]:
        try:
            answer = self._call("PUT", "/api/stats", body_of(chunk))
            report, is_cut = self._read(
                answer,
                lambda json: (StatsReport(json["inserted"], json["updated"], list(rejected_of(chunk, json["rejected"]))), "rejected_count" in json),
            )
        except ValidationFailed as error:
            if not error.problem.rejected:
                raise
            report, is_cut = StatsReport(0, 0, list(rejected_of(chunk, error.problem.rejected))), error.problem.rejected_count is not None
        yield report
        if is_cut and report.rejected:
            # The answer had no room for all errors. It does not say which of the other items are wrong, and what was written may be written again.
            # All of them stand behind the last item that it names.
            rest = [item for item in chunk if item[0] > report.rejected[-1].index]
            for more in self._put_chunk(rest):
                # Items of the rest that are right were counted above.
                yield StatsReport(0, 0, more.rejected)

    def _submit_chunk(self, chunk: List[Item], report: BatchReport) -> None:
        backoff = Backoff(self._retries)
        while chunk:
            try:
                answer = self._call("POST", "/api/transactions/batch", body_of(chunk))
                accepted, rejected, is_cut = self._read(answer, lambda json: (json["accepted"], json["rejected"], "rejected_count" in json))
            except TooLarge:
                # A proxy may allow only smaller bodies than the service does.
                if len(chunk) == 1:
                    raise
                half = len(chunk) // 2
                self._submit_chunk(chunk[:half], report)
                self._submit_chunk(chunk[half:], report)
                return
            except ValidationFailed as error:
                if not error.problem.rejected:
                    raise
                accepted, rejected, is_cut = [], error.problem.rejected, error.problem.rejected_count is not None
            remaining = book(chunk, accepted, rejected, report)
            has_progress = len(remaining) < len(chunk)
            if has_progress:
                backoff.reset()
            chunk = remaining
            # After an answer that had no room for all errors the rest is sent at once: the next answer has more of them.
            if chunk and not (is_cut and has_progress):
                self._pause(backoff, ConnectionFailed(f"{len(chunk)} transactions could not be made durable by {self._transport.address}."), None)

    def _call(self, method: str, target: str, body: Optional[bytes] = None, *, headers: Mapping[str, str] = {}, wait: float = 0) -> Answer:
        backoff = Backoff(self._retries)
        sent = {**self._headers, **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        while True:
            try:
                answer = self._transport.exchange(method, target, body, sent, self._timeout, wait)
                if answer.status in (200, 202):
                    return answer
                raise self._error(answer, f"{method} {target.partition('?')[0]}")
            except ConnectionFailed as error:
                self._pause(backoff, error, None)
            except TryLater as error:
                self._pause(backoff, error, error.retry_after)

    def _pause(self, backoff: Backoff, error: FinanceIngestError, retry_after: Optional[float]) -> None:
        seconds = backoff.next_pause(retry_after)
        if seconds is None:
            raise error
        self._clock.sleep(seconds)

    def _error(self, answer: Answer, request: str) -> FinanceIngestError:
        if answer.status < 400:
            where = answer.headers.get("location")
            return UnexpectedAnswer(f"{self._transport.address} answered {answer.status}" + (f", to {where}: give that as the address." if where else "."))
        try:
            value = json.loads(answer.body)
        except ValueError:
            value = None
        # The answer of a proxy or a platform is no problem object.
        is_problem = isinstance(value, dict) and answer.headers.get("content-type", "").startswith("application/problem+json")
        problem = Problem.from_json(value, answer.status) if is_problem else Problem(ABOUT_BLANK, answer.reason or "error", answer.status)
        return api_error(problem, request, retry_after_seconds(answer.headers, self._clock))

    def _read(self, answer: Answer, parse: Callable[[Dict[str, Any]], T]) -> T:
        try:
            return parse(json.loads(answer.body, parse_float=Decimal))
        except (ValueError, KeyError, TypeError, IndexError, ArithmeticError, AttributeError) as error:
            raise UnexpectedAnswer(f"{self._transport.address} answered {answer.status} with something else than FinanceIngest's JSON.") from error


def _query(**parameters: Any) -> str:
    given = {name: value for name, value in parameters.items() if value is not None}
    return "?" + urlencode(given) if given else ""
