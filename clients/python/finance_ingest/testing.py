"""
A client without a service, for the tests of programs that use this package::

    client = FakeClient()
    my_program(client)
    assert [sent.amount for sent in client.sent] == [Decimal("3.40")]

It is a ``Client`` in front of a small FinanceIngest in memory. What the program gives to its methods is checked, converted, divided into requests and read
back by the code that talks to the real service, and errors are the same exceptions. Nothing is sent over a network, and nothing waits.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple, Union
from urllib.parse import parse_qs, unquote, urlsplit

from .aio import AsyncClient
from .client import Client
from .errors import FinanceIngestError
from .keys import uuid7
from .results import FAILED, PENDING, SCORED, UNKNOWN, Baseline, Factor, Usual
from .retrying import Clock
from .transport import Answer, Transport

__all__ = ["Exchange", "FakeAsyncClient", "FakeClient", "InstantClock", "Outcome", "Sent"]

ADDRESS = "http://fake.invalid"
"""The address in the messages of a fake client. The name never exists (RFC 6761, section 6.4)."""

THRESHOLD = 3.0
"""A transaction is an anomaly when the absolute value of its z-score is greater than this, the service's default."""

MOST_MONEY = Decimal("922337203685477.5807")
LARGEST_ID = 2**63 - 1
LONGEST_KEY = 255


@dataclass(frozen=True)
class Sent:
    """A transaction that the fake service has accepted."""

    id: str
    user_id: int
    category_id: int
    amount: Decimal
    occurred_at: datetime
    """The time that was sent, and without one the time of acceptance; in UTC."""
    idempotency_key: str
    accepted_at: datetime


@dataclass(frozen=True)
class Outcome:
    """
    What the fake service finds about a transaction: its score, or with an ``error`` why it has failed. A ``baseline`` stands in for the one that
    ``put_stats`` has put in; the fields after it are those of a detector that learns.
    """

    z_score: Optional[float] = None
    is_anomaly: bool = False
    reason: str = SCORED
    error: Optional[str] = None
    baseline: Optional[Baseline] = None
    detector: Optional[str] = None
    surprise: Optional[float] = None
    usual: Optional[Usual] = None
    explanation: Optional[str] = None
    factors: Tuple[Factor, ...] = ()

    @classmethod
    def of(cls, z_score: Optional[float]) -> "Outcome":
        """Returns the outcome of a z-score by the service's default rule; None means that there is no baseline."""
        return cls(reason="no_baseline") if z_score is None else cls(z_score, abs(z_score) > THRESHOLD)


@dataclass(frozen=True)
class Exchange:
    """A request that the fake service was asked, and the status of its answer; 0 when it raised an error that ``fail`` had announced."""

    method: str
    target: str
    """The path and the query."""
    body: Any
    """The JSON of the body; None without a body."""
    status: int


Score = Callable[[Sent], Union[Outcome, float, None]]
"""Scores a transaction: returns an Outcome, or a z-score, or None for no baseline."""


class InstantClock(Clock):
    """A clock whose pauses end at once. ``slept`` has their lengths in seconds."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self.slept: List[float] = []

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._elapsed += seconds


class FakeClient(Client):
    """
    A ``Client`` without a service. It may be used by many threads.

    A transaction that the service would accept is in ``sent``, once for each user and idempotency key, and is scored at once: by ``score`` if it
    is given, and otherwise by the baselines that ``put_stats`` has put in. Its result is in ``get``, ``get_many``, ``results`` and ``anomalies``.

    :param score: a function from a ``Sent`` to its z-score (or None, or an ``Outcome``); or the z-score of every transaction.
    :param retries: as for ``Client``. With the default 0 an error that ``fail`` announces is raised by the next call; pauses take no time.
    """

    def __init__(self, *, score: Union[Score, float, None] = None, retries: int = 0) -> None:
        self.clock: InstantClock = InstantClock()
        super().__init__(ADDRESS, retries=retries, clock=self.clock)
        self._service = _Service(_scoring(score))
        self._transport = _FakeTransport(self._service, self.clock)

    @property
    def sent(self) -> List[Sent]:
        """The accepted transactions, in the order of their acceptance."""
        return list(self._service.sent.values())

    @property
    def exchanges(self) -> List[Exchange]:
        """All requests."""
        return list(self._service.exchanges)

    @property
    def baselines(self) -> List[Dict[str, Any]]:
        """The baselines that ``put_stats`` has put in, the last one of each user and category."""
        return list(self._service.baselines.values())

    def score_with(self, score: Union[Score, float, None]) -> None:
        """Changes how transactions are scored from now on; None means by the baselines."""
        self._service.score = _scoring(score)

    def hold(self) -> None:
        """Leaves transactions pending from now on, until ``release``."""
        self._service.is_held = True

    def release(self) -> None:
        """Scores what is pending, and scores further transactions at once."""
        self._service.release()

    def settle(self, transaction_id: str, outcome: Union[Outcome, float, None]) -> None:
        """
        Gives an accepted transaction this outcome and a new place in the feed, whether it is pending or has a result already.

        Raises KeyError for a transaction that was not accepted.
        """
        self._service.settle(self._service.sent[transaction_id], outcome)

    def refuse(self, errors: Mapping[str, Sequence[str]], when: Callable[[Mapping[str, Any]], bool] = lambda fields: True) -> None:
        """Refuses from now on each transaction for whose JSON fields ``when`` returns True, with these messages by field."""
        self._service.refusals.append((when, {name: list(messages) for name, messages in errors.items()}))

    def fail(self, error: FinanceIngestError, times: int = 1) -> None:
        """Raises ``error`` instead of answering the next requests: ``ConnectionFailed("…")`` stands for a service that can't be reached."""
        self._service.failures += [error] * times

    def forget_cursors(self) -> None:
        """Answers cursors from before this call with 410 (``Gone``), as the service does after its database was restored."""
        self._service.history += 1

    def reset(self) -> None:
        """Forgets everything that was sent and announced. The score stays as it is."""
        self._service.reset()


class FakeAsyncClient(AsyncClient):
    """An ``AsyncClient`` in front of a ``FakeClient``, which is its ``fake``."""

    def __init__(self, fake: Optional[FakeClient] = None, *, concurrency: int = 16) -> None:
        self.fake: FakeClient = fake or FakeClient()
        super().__init__(ADDRESS, concurrency=concurrency)
        self._client = self.fake


def _scoring(score: Union[Score, float, None]) -> Optional[Score]:
    if score is None or callable(score):
        return score
    return lambda sent: score


class _FakeTransport(Transport):
    """Carries requests to the service in memory."""

    def __init__(self, service: "_Service", clock: Clock) -> None:
        super().__init__(ADDRESS, clock)
        self._service = service

    def exchange(self, method: str, target: str, body: Optional[bytes], headers: Mapping[str, str], timeout: float, wait: float = 0) -> Answer:
        return self._service.answer(method, target, None if body is None else json.loads(body, parse_float=Decimal), headers)


class _Service:
    """A FinanceIngest in memory, with the routes that ``Client`` uses."""

    def __init__(self, score: Optional[Score]) -> None:
        self._lock = threading.RLock()
        self.score = score
        self.reset()

    def reset(self) -> None:
        self.is_held = False
        self.history = 0
        self.sent: Dict[str, Sent] = {}
        self.exchanges: List[Exchange] = []
        self.baselines: Dict[Tuple[int, int], Dict[str, Any]] = {}
        self.refusals: List[Tuple[Callable[[Mapping[str, Any]], bool], Dict[str, List[str]]]] = []
        self.failures: List[FinanceIngestError] = []
        self._ids: Dict[Tuple[int, str], str] = {}
        self._results: Dict[str, Dict[str, Any]] = {}
        self._feed: List[str] = []
        self._places: Dict[str, int] = {}
        self._withdrawn: Set[str] = set()
        self.sensitivities: Dict[Tuple[int, int, bool], Dict[str, Any]] = {}
        self.destinations: Dict[Tuple[int, str], Tuple[str, Dict[str, Any]]] = {}

    def answer(self, method: str, target: str, body: Any, headers: Mapping[str, str]) -> Answer:
        with self._lock:
            if self.failures:
                self.exchanges.append(Exchange(method, target, body, 0))
                raise self.failures.pop(0)
            parts = urlsplit(target)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            waits = "Prefer" in headers
            answer = self._command(method, unquote(parts.path), query, body, waits) or self._route(method, unquote(parts.path), query, body)
            self.exchanges.append(Exchange(method, target, body, answer.status))
            return answer

    def _route(self, method: str, path: str, query: Dict[str, str], body: Any) -> Answer:
        routes: Dict[Tuple[str, str], Callable[[], Answer]] = {
            ("POST", "/api/transactions"): lambda: self._submit(body),
            ("POST", "/api/transactions/batch"): lambda: self._submit_batch(body),
            ("POST", "/api/transactions/status"): lambda: _json(200, {"results": [self._status_of(one, UNKNOWN) for one in body["ids"]]}),
            ("GET", "/api/results"): lambda: self._read_feed(query),
            ("GET", "/api/anomalies"): lambda: self._read_anomalies(query),
            ("PUT", "/api/stats"): lambda: self._put_stats(body),
            ("GET", "/api/status"): lambda: _json(200, {"inbound": self._waiting()}),
            ("GET", "/readyz"): lambda: _json(200, {"status": "ready", "dependencies": {"queue": "ok", "database": "ok"}}),
        }
        if (method, path) in routes:
            return routes[method, path]()
        if method == "GET" and path.startswith("/api/transactions/"):
            found = self._status_of(path[len("/api/transactions/") :], UNKNOWN)
            if found["status"] == "purged":
                return _problem(410, "gone", "The transaction's row was removed by retention or erasure.")
            return _json(200, found) if found["status"] != UNKNOWN else _problem(404, "not-found", "This installation never issued that id.")
        return _problem(404, "not-found", "There is no such route.")

    def _command(self, method: str, path: str, query: Dict[str, str], body: Any, waits: bool) -> Optional[Answer]:
        """Carries a command out at once; None: the request is none."""
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "transactions"] and method in ("PUT", "DELETE"):
            if parts[2] not in self._results:
                return _problem(404, "not-found", "This installation never issued that id.")
            if len(parts) == 4 and parts[2] in self._withdrawn:
                return _problem(410, "gone", "The transaction's row was removed by retention or erasure.") if waits else _accepted()
            if len(parts) == 4:
                return self._give_feedback(parts[2], None if body is None else body["verdict"], waits)
            self._withdraw(parts[2])
            return _done(waits)
        if parts == ["api", "sensitivity"] and method in ("PUT", "DELETE"):
            for setting in [query] if method == "DELETE" else body:
                self._set_sensitivity(setting, method == "DELETE")
            return _done(waits)
        if parts == ["api", "sensitivity"]:
            user = query.get("user_id")
            found = [value for key, value in sorted(self.sensitivities.items()) if user in (None, str(key[0]))]
            return _json(200, {"sensitivity": found, "next": None})
        if parts[:2] == ["api", "users"] and parts[3:4] == ["notification-destinations"]:
            return self._destination(method, int(parts[2]), parts[4:], body, waits)
        if parts[:2] == ["api", "users"] and method == "DELETE":
            self.destinations = {key: value for key, value in self.destinations.items() if key[0] != int(parts[2])}
            for sent in [sent for sent in self.sent.values() if sent.user_id == int(parts[2])]:
                self._withdraw(sent.id)
            return _done(waits)
        return _json(200, {"status": "done"}) if parts[:2] == ["api", "users"] else None

    def _give_feedback(self, transaction_id: str, verdict: Optional[str], waits: bool) -> Answer:
        result = self._results[transaction_id]
        result.pop("feedback", None)
        if verdict is not None:
            result["feedback"] = verdict
        if transaction_id in self._places:
            self._move(transaction_id)
        return _json(200, result) if waits else _accepted()

    def _withdraw(self, transaction_id: str) -> None:
        self._withdrawn.add(transaction_id)
        self._results[transaction_id] = {"id": transaction_id, "status": "purged"}
        if transaction_id in self._places:
            self._feed[self._places.pop(transaction_id)] = ""

    def _destination(self, method: str, user: int, which: List[str], body: Any, waits: bool) -> Answer:
        if method == "GET":
            return _json(200, {"destinations": [value for key, (_, value) in self.destinations.items() if key[0] == user]})
        if method == "DELETE":
            if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", which[0]):
                return _problem(404, "not-found", "The address's id is no UUID.")
            self.destinations.pop((user, which[0].lower()), None)
            return _done(waits)
        kind = body.get("type")
        if kind not in ("smtp", "webpush"):
            return _problem(400, "validation", "The address is not valid.", errors={"type": ['must be "smtp" or "webpush"']})
        name = "address" if kind == "smtp" else "endpoint"
        text = body.get(name)
        if not isinstance(text, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+" if kind == "smtp" else r"https://[^/\s]+(/\S*)?", text):
            return _problem(400, "validation", "The address is not valid.", errors={name: ["is not valid"]})
        masked = f"{text[0]}•••{text[text.rindex('@'):]}" if kind == "smtp" else "/".join(text.split("/")[:3])
        whole = text.upper() if kind == "smtp" else text
        self.destinations = {key: value for key, value in self.destinations.items() if (key[0], value[0]) != (user, whole)}
        now = datetime.now(timezone.utc).isoformat()
        wishes = {wish: body[wish] for wish in ("quiet_hours", "minimum_surprise") if body.get(wish) is not None}
        added = {"id": str(uuid7()), "type": kind, name: masked, **wishes, "created_at": now}
        self.destinations[user, added["id"]] = (whole, added)
        if waits:
            return _json(200, added)
        return _json(202, {"id": added["id"], "accepted_at": now, "status_url": f"/api/users/{user}/notification-destinations"})

    def _set_sensitivity(self, setting: Mapping[str, Any], is_removed: bool) -> None:
        key = (int(setting.get("user_id", 0)), int(setting.get("category_id", 0)))
        if "until" not in setting:
            self.sensitivities.pop((*key, True), None)
            self.sensitivities.pop((*key, False), None)
        if not is_removed:
            self.sensitivities[(*key, "until" in setting)] = {**setting, "accepted_at": datetime.now(timezone.utc).isoformat()}

    def _move(self, transaction_id: str) -> None:
        if transaction_id in self._places:
            # The old place stays empty, so that cursors keep their meaning.
            self._feed[self._places[transaction_id]] = ""
        self._places[transaction_id] = len(self._feed)
        self._feed.append(transaction_id)

    def _submit(self, fields: Mapping[str, Any]) -> Answer:
        errors = self._errors_of(fields)
        if errors:
            return _problem(400, "validation", "The transaction is not valid.", errors=errors)
        found = self._results[self._accept(fields)]
        return _json(202 if found["status"] == PENDING else 200, found)

    def _submit_batch(self, items: Sequence[Mapping[str, Any]]) -> Answer:
        accepted: List[Dict[str, Any]] = []
        rejected: List[Dict[str, Any]] = []
        for index, fields in enumerate(items):
            errors = self._errors_of(fields)
            if errors:
                rejected.append({"index": index, "errors": errors})
            else:
                accepted.append({"index": index, "id": self._accept(fields)})
        if not accepted:
            return _problem(400, "validation", "None of the transactions is acceptable.", rejected=rejected)
        return _json(202, {"accepted": accepted, "rejected": rejected})

    def _errors_of(self, fields: Mapping[str, Any]) -> Dict[str, List[str]]:
        errors = {name: [f"must be from 1 to {LARGEST_ID}"] for name in ("user_id", "category_id") if not 1 <= fields[name] <= LARGEST_ID}
        amount = _amount(fields["amount"])
        if amount is None:
            errors["amount"] = ["must be a number, or a number in a string"]
        elif abs(amount) > MOST_MONEY:
            errors["amount"] = [f"must be from -{MOST_MONEY} to {MOST_MONEY}"]
        elif amount != round(amount, 4):
            errors["amount"] = ["must have at most four decimals"]
        if any("\ud800" <= character <= "\udfff" for character in fields["idempotency_key"]):
            errors["idempotency_key"] = ["must be Unicode text"]
        elif not 1 <= len(fields["idempotency_key"]) <= LONGEST_KEY:
            errors["idempotency_key"] = [f"must have 1 to {LONGEST_KEY} characters"]
        if "occurred_at" in fields:
            time = _time(fields["occurred_at"])
            if time is None:
                errors["occurred_at"] = ["must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z"]
            elif time > datetime.now(timezone.utc) + timedelta(hours=24):
                errors["occurred_at"] = ["must not be more than 24 hours in the future"]
        for when, messages in self.refusals:
            if when(fields):
                errors.update(messages)
        return errors

    def _accept(self, fields: Mapping[str, Any]) -> str:
        known = self._ids.get((fields["user_id"], fields["idempotency_key"]))
        if known is not None:
            return known
        now = datetime.now(timezone.utc)
        sent = Sent(
            id=str(uuid7()),
            user_id=fields["user_id"],
            category_id=fields["category_id"],
            amount=Decimal(fields["amount"]),
            occurred_at=(_time(fields["occurred_at"]) if "occurred_at" in fields else None) or now,
            idempotency_key=fields["idempotency_key"],
            accepted_at=now,
        )
        self._ids[sent.user_id, sent.idempotency_key] = sent.id
        self.sent[sent.id] = sent
        self._results[sent.id] = {"id": sent.id, "status": PENDING}
        if "replaces" in fields and fields["replaces"] in self._results:
            self._withdraw(fields["replaces"])
        if not self.is_held:
            self._score(sent)
        return sent.id

    def _score(self, sent: Sent) -> None:
        self.settle(sent, self._by_baseline(sent) if self.score is None else self.score(sent))

    def _by_baseline(self, sent: Sent) -> Outcome:
        baseline = self.baselines.get((sent.user_id, sent.category_id))
        if baseline is None:
            return Outcome(reason="no_baseline")
        if baseline["sample_count"] < 2:
            return Outcome(reason="insufficient_samples")
        if baseline["std_dev"] <= 0:
            return Outcome(reason="zero_variance")
        return Outcome.of((float(sent.amount) - float(baseline["mean"])) / float(baseline["std_dev"]))

    def settle(self, sent: Sent, outcome: Union[Outcome, float, None]) -> None:
        with self._lock:
            found = outcome if isinstance(outcome, Outcome) else Outcome.of(outcome)
            result: Dict[str, Any] = {"id": sent.id, "user_id": sent.user_id, "category_id": sent.category_id, "amount": sent.amount}
            if found.error is None:
                baseline = self.baselines.get((sent.user_id, sent.category_id))
                kept = None if baseline is None else {name: baseline[name] for name in ("mean", "std_dev", "sample_count")}
                kept = kept if found.baseline is None else dict(vars(found.baseline))
                result.update(status=SCORED, z_score=found.z_score, is_anomaly=found.is_anomaly, reason=found.reason, baseline=kept, **_learned(found))
            else:
                title = "The transaction could not be scored."
                error = {"type": "urn:finance-ingest:problem:transaction", "title": title, "status": 422, "detail": found.error}
                result.update(status=FAILED, error=error)
            now = datetime.now(timezone.utc)
            result.update(occurred_at=sent.occurred_at.isoformat(), accepted_at=sent.accepted_at.isoformat(), scored_at=now.isoformat())
            if sent.id in self._withdrawn:
                return
            if "feedback" in self._results[sent.id]:
                result["feedback"] = self._results[sent.id]["feedback"]
            self._results[sent.id] = result
            self._move(sent.id)

    def release(self) -> None:
        with self._lock:
            self.is_held = False
            for sent in list(self.sent.values()):
                if self._results[sent.id]["status"] == PENDING:
                    self._score(sent)

    def _waiting(self) -> Dict[str, Any]:
        pending = sum(result["status"] == PENDING for result in self._results.values())
        return {"length": pending, "transactions": pending, "oldest_seconds": 0.0}

    def _status_of(self, transaction_id: str, unknown: str) -> Dict[str, Any]:
        return self._results.get(transaction_id, {"id": transaction_id, "status": unknown})

    def _read_feed(self, query: Mapping[str, str]) -> Answer:
        history, start = self.history, 0
        if "after" in query:
            try:
                history, start = (int(part) for part in query["after"].split("."))
            except ValueError:
                return _problem(400, "validation", "The cursor is not one of this service.", errors={"after": ["is no cursor"]})
        if history != self.history:
            return _problem(410, "gone", "The cursor is from another history of this database, which was restored since. Start again without a cursor.")
        end = min(len(self._feed), start + int(query.get("limit", "100")))
        return _json(200, {"results": [self._results[one] for one in self._feed[start:end] if one], "next": f"{self.history}.{end}"})

    def _read_anomalies(self, query: Mapping[str, str]) -> Answer:
        start, limit = int(query.get("after", "0")), int(query.get("limit", "100"))
        found = [self.sent[one] for one, result in self._results.items() if result.get("is_anomaly") and _is_asked_for(self.sent[one], query)]
        found.sort(key=lambda sent: sent.occurred_at, reverse=True)
        more = str(start + limit) if len(found) > start + limit else None
        return _json(200, {"anomalies": [self._results[sent.id] for sent in found[start : start + limit]], "next": more})

    def _put_stats(self, items: Sequence[Any]) -> Answer:
        before = len(self.baselines)
        rejected: List[Dict[str, Any]] = []
        for index, item in enumerate(items):
            errors = _baseline_errors(item)
            if errors:
                rejected.append({"index": index, "errors": errors})
            else:
                self.baselines[item["user_id"], item["category_id"]] = {**item, "mean": float(item["mean"]), "std_dev": float(item["std_dev"])}
        if len(rejected) == len(items):
            return _problem(400, "validation", "None of the baselines is acceptable.", rejected=rejected)
        inserted = len(self.baselines) - before
        return _json(200, {"inserted": inserted, "updated": len(items) - len(rejected) - inserted, "rejected": rejected})


def _learned(outcome: Outcome) -> Dict[str, Any]:
    """Returns the fields of a detector that learns, as the service's JSON has them: those that are None are absent."""
    fields: Dict[str, Any] = {"detector": outcome.detector, "surprise": outcome.surprise, "explanation": outcome.explanation}
    fields["usual"] = None if outcome.usual is None else vars(outcome.usual)
    fields["factors"] = [vars(factor) for factor in outcome.factors] or None
    return {name: value for name, value in fields.items() if value is not None}


def _baseline_errors(item: Any) -> Dict[str, List[str]]:
    if not isinstance(item, dict):
        return {"$": ["must be an object"]}
    errors: Dict[str, List[str]] = {}
    for name in ("user_id", "category_id", "mean", "std_dev", "sample_count"):
        value: Any = item.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if value is None:
            errors[name] = ["is required"]
        elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            errors[name] = ["must be a number"]
        elif name not in ("mean", "std_dev") and (not isinstance(value, int) or not (name == "sample_count" or 1 <= value <= LARGEST_ID)):
            errors[name] = ["must be an integer" if not isinstance(value, int) else f"must be from 1 to {LARGEST_ID}"]
        elif name in ("std_dev", "sample_count") and value < 0:
            errors[name] = ["must not be negative"]
    return errors


def _is_asked_for(sent: Sent, query: Mapping[str, str]) -> bool:
    since, until = (_time(query[name]) if name in query else None for name in ("from", "to"))
    return (
        query.get("user_id", str(sent.user_id)) == str(sent.user_id)
        and query.get("category_id", str(sent.category_id)) == str(sent.category_id)
        and (since is None or sent.occurred_at >= since)
        and (until is None or sent.occurred_at < until)
    )


def _amount(text: str) -> Optional[Decimal]:
    return Decimal(text) if re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?", text) else None


def _time(text: str) -> Optional[datetime]:
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[-+]\d\d:\d\d)", text, re.ASCII)
    if match is None:
        return None
    date, time, fraction, offset = match.groups()
    try:
        # fromisoformat takes six decimals, and "Z" only since Python 3.11.
        instant = datetime.fromisoformat(f"{date}T{time}.{(fraction or '')[:6]:0<6}{'+00:00' if offset in 'Zz' else offset}")
        return instant.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _json(status: int, value: Any) -> Answer:
    return _answer(status, value, "application/json")


def _accepted() -> Answer:
    return _json(202, {"accepted_at": datetime.now(timezone.utc).isoformat(), "status_url": "/api/transactions"})


def _done(waits: bool) -> Answer:
    return Answer(204, "", {}, b"") if waits else _accepted()


def _problem(status: int, kind: str, detail: str, **more: Any) -> Answer:
    value = {"type": f"urn:finance-ingest:problem:{kind}", "title": kind, "status": status, "detail": detail, **more}
    return _answer(status, value, "application/problem+json")


def _answer(status: int, value: Any, media_type: str) -> Answer:
    return Answer(status, "", {"content-type": media_type}, json.dumps(value, default=str).encode("ascii"))
