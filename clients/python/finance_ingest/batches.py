"""Puts many transactions into few requests, and records the outcome of each transaction."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from .errors import InvalidTransaction, UnexpectedAnswer
from .keys import item_key
from .transactions import Transaction, whole_number

MOST_ITEMS = 10_000
MOST_BYTES = 16 * 1024 * 1024 - 1024
MOST_ITEM_BYTES = 64 * 1024
"""The size of an item that can't be a transaction any more: its longest field, the idempotency key, has 255 characters."""

Item = Tuple[int, bytes]
"""The index of an item in the submitted list, and its JSON."""


@dataclass(frozen=True)
class Accepted:
    """A transaction that is durable on the service's queue."""

    index: int
    id: str


@dataclass(frozen=True)
class Rejected:
    """A transaction that can't be accepted as it is. ``errors`` has messages by field; ``$`` is the field of errors about the whole item."""

    index: int
    errors: Dict[str, List[str]]


@dataclass
class BatchReport:
    """The outcomes of many transactions, by their index in the submitted list."""

    accepted: List[Accepted] = field(default_factory=lambda: [])
    rejected: List[Rejected] = field(default_factory=lambda: [])


def transaction_items(
    transactions: Iterable[Union[Transaction, Mapping[str, Any]]], idempotency_prefix: str, report: BatchReport
) -> Iterator[Item]:
    """
    Yields the transactions as JSON. A transaction that can't be sent is added to the report instead; what the iterable itself raises is raised.
    """
    for index, value in enumerate(transactions):
        try:
            content = _compact(Transaction.of(value).to_json(item_key(idempotency_prefix, index)))
        except InvalidTransaction as error:
            report.rejected.append(Rejected(index, error.errors))
        except Exception as error:
            report.rejected.append(Rejected(index, _cannot_be_sent(error)))
        else:
            if len(content) > MOST_ITEM_BYTES:
                report.rejected.append(Rejected(index, {"$": [f"has more than {MOST_ITEM_BYTES:,} bytes"]}))
            else:
                yield index, content


def baseline_items(baselines: Iterable[Mapping[str, Any]], rejected: List[Rejected]) -> Iterator[Item]:
    """Yields baselines as JSON. A baseline that JSON can't express is added to ``rejected`` instead."""
    for index, value in enumerate(baselines):
        try:
            yield index, _compact(_baseline(value))
        except InvalidTransaction as error:
            rejected.append(Rejected(index, error.errors))
        except Exception as error:
            rejected.append(Rejected(index, _cannot_be_sent(error)))


def chunks(items: Iterable[Item]) -> Iterator[List[Item]]:
    """Divides items into requests that are not too long."""
    chunk: List[Item] = []
    size = 2
    for item in items:
        length = len(item[1]) + 1
        if chunk and (len(chunk) == MOST_ITEMS or size + length > MOST_BYTES):
            yield chunk
            chunk, size = [], 2
        chunk.append(item)
        size += length
    if chunk:
        yield chunk


def body_of(chunk: List[Item]) -> bytes:
    """Returns the request's body, a JSON array."""
    return b"[" + b",".join(content for _, content in chunk) + b"]"


def rejected_of(chunk: List[Item], entries: Iterable[Mapping[str, Any]]) -> Iterator[Rejected]:
    """Returns the entries of an answer's ``rejected`` that are not retryable, under their indexes in the submitted list."""
    for entry in entries:
        if "errors" in entry:
            yield Rejected(_index_in(chunk, entry), {str(name): [str(message) for message in messages] for name, messages in entry["errors"].items()})


def book(chunk: List[Item], accepted: Iterable[Mapping[str, Any]], rejected: Iterable[Mapping[str, Any]], report: BatchReport) -> List[Item]:
    """Adds an answer's two lists to the report; returns the items that have to be sent again."""
    try:
        took = [Accepted(_index_in(chunk, entry), str(entry["id"])) for entry in accepted]
        refused = list(rejected_of(chunk, rejected))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnexpectedAnswer("The answer to a batch is not that of FinanceIngest's API.") from error
    settled = {entry.index for entry in took} | {entry.index for entry in refused}
    if len(settled) < len(took) + len(refused):
        raise UnexpectedAnswer("The answer to a batch is not that of FinanceIngest's API: it has an item twice.")
    report.accepted += took
    report.rejected += refused
    # These items are retryable, or the answer does not mention them, because it had no room for their errors.
    return [item for item in chunk if item[0] not in settled]


def carry(error: BaseException, report: Any, idempotency_prefix: Optional[str] = None) -> None:
    """
    Puts a report on an exception that must keep its type, such as a KeyboardInterrupt, as its ``report``, with the ``idempotency_prefix``.
    """
    carrier: Any = error
    carrier.report = report
    if idempotency_prefix is not None:
        carrier.idempotency_prefix = idempotency_prefix


def _index_in(chunk: List[Item], entry: Mapping[str, Any]) -> int:
    index = entry["index"]
    if not isinstance(index, int) or index < 0:
        raise TypeError("an index is a number from 0")
    return chunk[index][0]


def _baseline(value: Any) -> Dict[str, Any]:
    """Returns a baseline whose numbers JSON can express: ids and counts that are whole numbers of any type, and the doubles nearest to mean and std_dev."""
    if not isinstance(value, Mapping):
        raise InvalidTransaction({"$": [f"must be a mapping, not {type(value).__name__}"]})
    given: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
    errors: Dict[str, List[str]] = {}
    fields: Dict[str, Any] = {}
    # The service ignores other fields, whose values JSON may be unable to express.
    for name in ("user_id", "category_id", "mean", "std_dev", "sample_count"):
        content = given.get(name)
        try:
            if content is not None:
                fields[name] = _double(content) if name in ("mean", "std_dev") else whole_number(content)
        except (ValueError, ArithmeticError) as error:
            errors[name] = [str(error)]
    if errors:
        raise InvalidTransaction(errors)
    return fields


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise ValueError(f"must be a number, not {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"must be a finite number, not {number}")
    return number


def _cannot_be_sent(error: Exception) -> Dict[str, List[str]]:
    return {"$": [f"can't be sent: {type(error).__name__}: {error}"]}


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
