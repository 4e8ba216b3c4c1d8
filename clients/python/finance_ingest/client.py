"""The client, with every route of the service that an application needs."""

from __future__ import annotations

import json
import math
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Type, TypeVar, Union, cast
from urllib.parse import quote, urlencode

from .batches import BatchReport, Item, Rejected, baseline_items, body_of, book, carry, chunks, rejected_of, transaction_items
from .calls import current_call
from .commands import Sensitivity, chunks_of, settings_json
from .errors import (
    ABOUT_BLANK,
    ConfigurationError,
    ConnectionFailed,
    FinanceIngestError,
    IncompleteSubmission,
    Problem,
    StillPending,
    TooLarge,
    TryLater,
    UnexpectedAnswer,
    UntrustedCertificate,
    ValidationFailed,
    api_error,
)
from .keys import new_key
from .results import Page, Result, StatsReport
from .retrying import Backoff, Clock, retry_after_seconds
from .transactions import Amount, Id, Key, Time, Transaction, format_time, key_text, whole_number
from .transport import Answer, Transport
from .version import __version__

LONGEST_WAIT = 30
"""The longest time for which the service holds an answer, in seconds."""

_MOST_IDS = 1_000
_LONGEST_TIMEOUT = 86_400

T = TypeVar("T")


class Every(Enum):
    """The type of EVERY."""

    EVERY = "every"


EVERY = Every.EVERY
"""
What a filter is when it is left out. It is not None, so that a variable that happens to be None, such as the id of an anonymous user, does
not show everybody's money.
"""


class Client:
    """
    A client of one FinanceIngest service. Make one and keep it, because its connections stay open. It may be used by many threads and across a fork.

    The client repeats a call after a failed connection, 408, 429 and 5xx, up to ``retries`` times, with growing random pauses, and never
    before the service's ``Retry-After``. A repeat never counts a transaction twice, because every submission has an idempotency key. When the
    retries are used up, the last error is raised: ConnectionFailed or TryLater, both of which are ServiceUnavailable.

    :param base_url: the address of the service, such as ``http://127.0.0.1:7071``, with the path before ``/api`` if a proxy serves it under one. A
        route at its end, such as ``/api`` or ``/api/transactions``, is taken off. Redirects are not followed, so that the key goes to this address
        only. Proxies of the environment are not used.
    :param key: the API key; None for a service without keys.
    :param timeout: seconds to wait for a connection, and for each piece of an answer after that.
    :param retries: the largest number of repeats of a call; 0 for none.

    Raises ConfigurationError, whose message never shows the key.
    """

    def __init__(self, base_url: str, key: Optional[str] = None, *, timeout: float = 10.0, retries: int = 5, clock: Optional[Clock] = None) -> None:
        if key is not None:
            key = _checked_key(key)
        if not _is_number(timeout) or not 0 < timeout <= _LONGEST_TIMEOUT:
            raise ConfigurationError(f"timeout must be more than 0 and at most {_LONGEST_TIMEOUT:,} seconds.")
        if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("retries must be a whole number that is not negative.")
        self._clock = clock or Clock()
        self._transport = Transport(base_url, self._clock)
        self._timeout = timeout
        self._retries = retries
        self._headers = {"User-Agent": f"finance-ingest-python/{__version__}", "Accept": "application/json"}
        if key is not None:
            self._headers["x-functions-key"] = key

    def __repr__(self) -> str:
        return f"Client({self._transport.address!r})"

    def __copy__(self) -> "Client":
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> "Client":
        # The client may be used by many threads, so a copy of what holds it may share it.
        return self

    def __reduce__(self) -> Any:
        raise TypeError("A Client can't be pickled, because it holds connections and a key: make one in each process.")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Closes the idle connections."""
        self._transport.close()

    def submit(
        self,
        user_id: Id,
        category_id: Id,
        amount: Amount,
        *,
        occurred_at: Optional[Time] = None,
        idempotency_key: Optional[Key] = None,
        wait: float = 0,
    ) -> Result:
        """
        Submits a transaction. When this returns, the transaction is durable, and it is scored if that took at most ``wait`` (up to 30) seconds.

        Without an ``idempotency_key`` the client makes one, a UUID of version 7, so that retries within this call are recognised as repeats. Give a
        key of your own if you may make the call again.

        Raises InvalidTransaction for a transaction that can't be sent, and ValidationFailed for one that the service refuses.
        """
        wait = _wait(wait)
        fields = Transaction(user_id, category_id, amount, occurred_at, idempotency_key).to_json(new_key())
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        answer = self._call("POST", "/api/transactions", json.dumps(fields).encode("ascii"), headers=headers, wait=wait)
        return self._read(answer, Result.from_json)

    def submit_many(
        self,
        transactions: Iterable[Union[Transaction, Mapping[str, Any]]],
        *,
        idempotency_prefix: Optional[Key] = None,
        report: Optional[BatchReport] = None,
        history: bool = False,
    ) -> BatchReport:
        """
        Submits any number of transactions, in requests of at most 10,000 transactions and 16 MiB. The iterable is read while they are sent.

        A transaction without an ``idempotency_key`` gets ``PREFIX:INDEX``. Without an ``idempotency_prefix`` the client makes one, a UUID of
        version 7, and keys that are such UUIDs too (``finance_ingest.keys.item_key``). Give a prefix of your own, which stands for this list only, if
        you may make the call again after a crash.

        With ``history`` the transactions are learned and scored, and nobody is alerted; each needs ``occurred_at``, and the key the scope manage too.

        Transactions that the service can't accept at the moment are sent again; those that it refuses, or that can't be sent as they are, are in
        the report's ``rejected``. A ``report`` that is given is filled while they are sent, and returned.

        Raises IncompleteSubmission when it has to stop, also because of an exception of the iterable; it has the report so far, and says how to go on.
        A KeyboardInterrupt, and whatever else is no ``Exception``, stays what it is and has ``report`` and ``idempotency_prefix`` as attributes.
        """
        prefix = prefix_text(idempotency_prefix)
        if report is None:
            report = BatchReport()
        try:
            for chunk in chunks(transaction_items(transactions, prefix, report)):
                self._submit_chunk(chunk, report, history)
        except Exception as error:
            raise IncompleteSubmission(report, error, prefix) from error
        except BaseException as error:
            carry(error, report, prefix)
            raise
        finally:
            report.accepted.sort(key=lambda entry: entry.index)
            report.rejected.sort(key=lambda entry: entry.index)
        return report

    def get(self, transaction_id: str, *, wait: float = 0) -> Result:
        """
        Returns a transaction's result. With ``wait`` (up to 30 seconds) the service holds the answer that long while the transaction is pending.

        Raises NotFound for an id that was never issued, and Gone for one whose row was removed.
        """
        return self._read(self._get_transaction(transaction_id, _wait(wait)), Result.from_json)

    def get_many(self, transaction_ids: Iterable[str]) -> List[Result]:
        """Returns the results of any number of transactions, in the order of the ids. An id that was never issued has the status ``unknown``."""
        if isinstance(transaction_ids, str):
            raise ConfigurationError("get_many takes several ids; get takes one.")
        ids = [str(transaction_id) for transaction_id in transaction_ids]
        results: List[Result] = []
        for start in range(0, len(ids), _MOST_IDS):
            asked = ids[start : start + _MOST_IDS]
            answer = self._call("POST", "/api/transactions/status", json.dumps({"ids": asked}).encode("ascii"))
            results += self._read(answer, lambda json: _results_of(json["results"], asked))
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
                self._sleep(min(retry_after_seconds(answer.headers, self._clock) or 1.0, end - now))

    def results(self, after: Optional[str] = None, *, limit: int = 1_000) -> Page:
        """
        Returns a page of the feed of all transactions that were scored or have failed, in that order. Keep the page's ``next`` and ask again with
        it; an empty page means that there is nothing new yet. Upsert by ``id``, because a result whose status changed comes again.

        Raises Gone for a cursor from before a restore of the service's database; start again without a cursor then.
        """
        # The service refuses an empty cursor, which is how a column of a database may say that there is none yet.
        answer = self._call("GET", "/api/results" + _query(after=after or None, limit=limit))
        return self._read(answer, lambda json: Page([Result.from_json(value) for value in json["results"]], json["next"]))

    def anomalies(
        self,
        *,
        user_id: Union[Id, Every] = EVERY,
        category_id: Union[Id, Every] = EVERY,
        since: Optional[datetime] = None,
        until: Optional[datetime] = None,
    ) -> Iterator[Result]:
        """
        Yields all anomalies that occurred from ``since`` (inclusive) to ``until`` (exclusive), newest first. Pages are read as they are needed.

        Leave ``user_id`` or ``category_id`` out to ask about all of them. Raises ConfigurationError for None, for anything else that is no whole
        number, and for a time without a time zone.
        """
        ids = {name: None if value is EVERY else _filter(name, value) for name, value in (("user_id", user_id), ("category_id", category_id))}
        times = {name: None if value is None else _instant(name, value) for name, value in (("since", since), ("until", until))}
        return self._anomalies({**ids, "from": times["since"], "to": times["until"]})

    def _anomalies(self, filters: Mapping[str, Any]) -> Iterator[Result]:
        after: Optional[str] = None
        while True:
            answer = self._call("GET", "/api/anomalies" + _query(**filters, after=after, limit=1_000))
            found, after = self._read(answer, lambda json: ([Result.from_json(value) for value in json["anomalies"]], json["next"]))
            yield from found
            if after is None:
                return

    def put_stats(self, baselines: Iterable[Mapping[str, Any]]) -> StatsReport:
        """
        Inserts or replaces baselines: mappings with ``user_id``, ``category_id``, ``mean``, ``std_dev`` and ``sample_count``. The key needs
        the scope ``admin``. Numbers may be of any type, such as Decimal or numpy's. The call may be repeated.

        An exception has the report so far as its ``report``.
        """
        total = StatsReport(0, 0, [])
        try:
            for chunk in chunks(baseline_items(baselines, total.rejected)):
                for report in self._put_chunk(chunk):
                    total = _sum(total, report)
        except BaseException as error:
            carry(error, total)
            raise
        finally:
            total.rejected.sort(key=lambda entry: entry.index)
        return total

    def feedback(self, transaction_id: str, verdict: Optional[str], *, wait: float = 0) -> Optional[Result]:
        """
        Says whether a transaction is the user's own: ``expected`` or ``unexpected``; None takes back what was said. The last verdict holds, and one on a
        pending transaction waits for its score. When this returns, the command is durable, and with ``wait`` (up to 30 seconds) the result is returned once
        the verdict is recorded; None: it was not within that time, or there was no ``wait``. The key needs the scope manage. The call may be repeated.

        Raises NotFound for an id that was never issued, and Gone for one whose row was removed.
        """
        wait = _wait(wait)
        target = f"/api/transactions/{quote(str(transaction_id), safe='')}/feedback"
        body = None if verdict is None else json.dumps({"verdict": verdict}).encode("ascii")
        answer = self._command("DELETE" if verdict is None else "PUT", target, body, wait)
        return self._read(answer, Result.from_json) if answer.status == 200 else None

    def withdraw(self, transaction_id: str, *, wait: float = 0) -> bool:
        """
        Withdraws a transaction, as if it had never happened. When this returns, the command is durable; True: it was carried out within ``wait`` (up to 30)
        seconds. The key needs the scope manage. The call may be repeated. Raises NotFound for an id that was never issued.
        """
        wait = _wait(wait)
        return self._command("DELETE", f"/api/transactions/{quote(str(transaction_id), safe='')}", None, wait).status == 204

    def set_sensitivity(self, settings: Iterable[Union[Sensitivity, Mapping[str, Any]]], *, wait: float = 0) -> bool:
        """
        Sets how often alerts are wanted, for any number of users and categories, in requests of 1,000 settings. Of the settings of one user and category the
        last holds. When this returns, the commands are durable; True: all were carried out within ``wait`` (up to 30) seconds each. The call may be repeated.

        Raises ConfigurationError for a setting that can't be sent, and ValidationFailed for one that the service refuses, with all of its request.
        """
        wait = _wait(wait)
        requests = chunks_of([settings_json(setting) for setting in settings])
        answers = [self._command("PUT", "/api/sensitivity", json.dumps(chunk).encode("ascii"), wait) for chunk in requests]
        return all(answer.status == 204 for answer in answers)

    def remove_sensitivity(self, *, user_id: Optional[Id], category_id: Optional[Id] = None, wait: float = 0) -> bool:
        """
        Removes the setting of exactly this user and category, where there is one; None stands for all users, and for all categories. True: it was carried out
        within ``wait`` (up to 30) seconds.
        """
        wait = _wait(wait)
        ids = {name: None if value is None else _filter(name, value) for name, value in (("user_id", user_id), ("category_id", category_id))}
        return self._command("DELETE", "/api/sensitivity" + _query(**ids), None, wait).status == 204

    def sensitivity(self, *, user_id: Union[Id, Every] = EVERY) -> Iterator[Dict[str, Any]]:
        """Yields the settings of alerts, as the service's JSON. Leave ``user_id`` out for those of all users and of everybody."""
        user = None if user_id is EVERY else _filter("user_id", user_id)
        after: Optional[str] = None
        while True:
            answer = self._call("GET", "/api/sensitivity" + _query(user_id=user, after=after, limit=1_000))
            found, after = self._read(answer, lambda json: ([dict(value) for value in json["sensitivity"]], json["next"]))
            yield from found
            if after is None:
                return

    def add_destination(self, user_id: Id, destination: Mapping[str, Any], *, wait: float = 0) -> str:
        """
        Adds an address of a user's own, to which his alerts go, and returns its id. The address is a mapping such as
        ``{"type": "smtp", "address": "someone@home.example"}`` or ``{"type": "webpush", "endpoint": …, "keys": {"p256dh": …, "auth": …}}``, either with
        ``quiet_hours`` and ``minimum_surprise``. When this returns, the command is durable; with ``wait`` (up to 30 seconds) it returns once the address is
        added, or the time is over. The key needs the scope manage. The call may be repeated: an address that is given again takes the new id.

        Raises ConfigurationError for what can't be sent as JSON, and ValidationFailed for an address that the service refuses.
        """
        wait = _wait(wait)
        target = f"/api/users/{_filter('user_id', user_id)}/notification-destinations"
        try:
            body = json.dumps(dict(destination), allow_nan=False).encode("ascii")
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"An address is not valid: {error}.") from error
        return self._read(self._command("POST", target, body, wait), lambda answer: str(answer["id"]))

    def destinations(self, user_id: Id) -> List[Dict[str, Any]]:
        """Returns a user's own addresses as the service's JSON, masked, the oldest first. The key needs the scope read."""
        answer = self._call("GET", f"/api/users/{_filter('user_id', user_id)}/notification-destinations")
        return self._read(answer, lambda found: [dict(value) for value in found["destinations"]])

    def remove_destination(self, user_id: Id, destination_id: str, *, wait: float = 0) -> bool:
        """
        Removes an address of a user's own for good, where there is one. When this returns, the command is durable; True: it was carried out within ``wait``
        (up to 30) seconds. The key needs the scope manage. The call may be repeated. Raises NotFound for an id that is no UUID.
        """
        wait = _wait(wait)
        target = f"/api/users/{_filter('user_id', user_id)}/notification-destinations/{quote(str(destination_id), safe='')}"
        return self._command("DELETE", target, None, wait).status == 204

    def erase_user(self, user_id: Id, *, wait: float = 0) -> bool:
        """
        Erases a person: everything that was accepted so far. When this returns, the command is durable; True: it was carried out within ``wait`` (up to 30)
        seconds. ``erasure`` says how far it is. The key needs the scope admin. The call may be repeated.
        """
        wait = _wait(wait)
        return self._command("DELETE", f"/api/users/{_filter('user_id', user_id)}", None, wait).status == 204

    def erasure(self, user_id: Id) -> str:
        """Returns how far the last erasure of a person is: ``unknown`` (no worker has begun one), ``pending`` or ``done``. The key needs the scope admin."""
        return self._read(self._call("GET", f"/api/users/{_filter('user_id', user_id)}/erasure"), lambda json: str(json["status"]))

    def _command(self, method: str, target: str, body: Optional[bytes], wait: int) -> Answer:
        return self._call(method, target, body, headers={"Prefer": f"wait={wait}"} if wait else {}, wait=wait)

    def check(self) -> None:
        """
        Returns when the service accepts transactions and this client's key may read. The service does not use its database for that.

        Raises the error of this package that describes the problem.
        """
        self._read(self._call("GET", "/readyz"), lambda json: dict(json["dependencies"]))
        # For an empty list of ids the service checks the key and does not use its database.
        self._call("POST", "/api/transactions/status", b'{"ids":[]}')

    def status(self, *, fresh: bool = False) -> Dict[str, Any]:
        """
        Returns how the installation is, as the service's JSON: lengths and ages of queues, unsent alerts, poison, rates, the last batch. What the
        service could not ask is None. Figures of the database are the last known, with the time ``as_of``, unless ``fresh`` makes the service ask it now.

        Raises NotFound for a service that is older than this.
        """
        return self._read(self._call("GET", "/api/status" + _query(fresh="true" if fresh else None)), dict)

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

    def _submit_chunk(self, chunk: List[Item], report: BatchReport, history: bool) -> None:
        backoff = Backoff(self._retries)
        target = "/api/transactions/batch" + _query(history="true" if history else None)
        while chunk:
            accepted: List[Mapping[str, Any]] = []
            try:
                answer = self._call("POST", target, body_of(chunk))
                accepted, rejected, is_cut = self._read(answer, lambda json: (json["accepted"], json["rejected"], "rejected_count" in json))
            except TooLarge:
                # A proxy may allow only smaller bodies than the service does.
                if len(chunk) == 1:
                    report.rejected.append(Rejected(chunk[0][0], {"$": [f"is too large for {self._transport.address}, or for a proxy before it"]}))
                    return
                half = len(chunk) // 2
                self._submit_chunk(chunk[:half], report, history)
                self._submit_chunk(chunk[half:], report, history)
                return
            except ValidationFailed as error:
                if not error.problem.rejected:
                    raise
                rejected, is_cut = error.problem.rejected, error.problem.rejected_count is not None
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
                if answer.status in (200, 202, 204):
                    return answer
                raise self._error(answer, method, target.partition("?")[0])
            except UntrustedCertificate:
                raise
            except ConnectionFailed as error:
                self._pause(backoff, error, None)
            except TryLater as error:
                self._pause(backoff, error, error.retry_after)

    def _pause(self, backoff: Backoff, error: FinanceIngestError, retry_after: Optional[float]) -> None:
        seconds = backoff.next_pause(retry_after)
        if seconds is None:
            raise error
        self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        call = current_call()
        if call is None:
            self._clock.sleep(seconds)
        else:
            call.pause(seconds)

    def _error(self, answer: Answer, method: str, path: str) -> FinanceIngestError:
        if answer.status < 400:
            where = answer.headers.get("location")
            advice = "" if where is None else " " + self._transport.base.advice(where, path)
            return UnexpectedAnswer(f"{self._transport.address} answered {method} {path} with {answer.status}.{advice}")
        try:
            value: Any = json.loads(answer.body, parse_int=_whole)
        except (ValueError, RecursionError):
            value = None
        # The answer of a proxy or a platform is no problem object.
        problem = Problem(ABOUT_BLANK, answer.reason or "error", answer.status)
        if isinstance(value, dict) and answer.headers.get("content-type", "").startswith("application/problem+json"):
            try:
                problem = Problem.from_json(cast(Dict[str, Any], value), answer.status)
            except (ValueError, TypeError):
                pass
        return api_error(problem, f"{method} {path}", retry_after_seconds(answer.headers, self._clock))

    def _read(self, answer: Answer, parse: Callable[[Dict[str, Any]], T]) -> T:
        try:
            return parse(json.loads(answer.body, parse_float=Decimal, parse_int=_whole))
        except (ValueError, KeyError, TypeError, IndexError, ArithmeticError, AttributeError, RecursionError) as error:
            raise UnexpectedAnswer(f"{self._transport.address} answered {answer.status} with something else than FinanceIngest's JSON.") from error


def _query(**parameters: Any) -> str:
    given = {name: value for name, value in parameters.items() if value is not None}
    return "?" + urlencode(given) if given else ""


def _checked_key(key: str) -> str:
    # A key that was read from a file often has the end of its line.
    stripped = key.strip() if isinstance(key, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]
    if not stripped or not all("!" <= character <= "~" for character in stripped):
        raise ConfigurationError("The API key is empty, is not a text, or has characters that are not allowed in a key.")
    return stripped


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _wait(seconds: float) -> int:
    """Returns the whole seconds for which the service shall wait. It takes no fractions, and cuts what is longer than 30."""
    if not _is_number(seconds) or not seconds >= 0:
        raise ConfigurationError("wait must be a number of seconds that is not negative.")
    return math.ceil(min(seconds, LONGEST_WAIT))


def prefix_text(given: Optional[Key]) -> str:
    """Returns the text of an idempotency prefix; makes one when none is given. Raises ConfigurationError."""
    try:
        return new_key() if given is None else key_text(given)
    except ValueError as error:
        raise ConfigurationError(f"idempotency_prefix {error}.") from None


def _filter(name: str, value: Any) -> int:
    try:
        if value is None:
            raise ValueError("must not be None: leave it out to ask about all of them")
        return whole_number(value)
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}.") from None


def _instant(name: str, value: datetime) -> str:
    try:
        return format_time(value)
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}.") from None


def _results_of(values: List[Any], asked: List[str]) -> List[Result]:
    if len(values) != len(asked):
        raise ValueError("another number of results than of ids")
    return [Result.from_json(value) for value in values]


def _sum(first: StatsReport, second: StatsReport) -> StatsReport:
    # The list is the one to which the items that can't be sent are still added.
    first.rejected.extend(second.rejected)
    return StatsReport(first.inserted + second.inserted, first.updated + second.updated, first.rejected)


def _whole(digits: str) -> int:
    # Before Python 3.11, reading digits takes a time that grows with the square of their number.
    if len(digits) > 400:
        raise ValueError("a number with more digits than FinanceIngest writes")
    return int(digits)
