"""Puts many transactions into few requests, and records the outcome of each transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple, Union

from .errors import InvalidTransaction, UnexpectedAnswer
from .transactions import Transaction

MOST_ITEMS = 10_000
MOST_BYTES = 16 * 1024 * 1024 - 1024

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

    accepted: List[Accepted] = field(default_factory=list)
    rejected: List[Rejected] = field(default_factory=list)


def transaction_items(
    transactions: Iterable[Union[Transaction, Mapping[str, Any]]], idempotency_prefix: str, report: BatchReport
) -> Iterator[Item]:
    """Yields the transactions as JSON. A transaction that can't be sent is added to the report instead."""
    for index, value in enumerate(transactions):
        try:
            yield index, _compact(Transaction.of(value).to_json(f"{idempotency_prefix}:{index}"))
        except InvalidTransaction as error:
            report.rejected.append(Rejected(index, error.errors))


def baseline_items(baselines: Iterable[Mapping[str, Any]], rejected: List[Rejected]) -> Iterator[Item]:
    """Yields baselines as JSON. A baseline that JSON can't express is added to ``rejected`` instead."""
    for index, value in enumerate(baselines):
        try:
            yield index, _compact(value)
        except (TypeError, ValueError) as error:
            rejected.append(Rejected(index, {"$": [f"can't be sent: {error}"]}))


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
            yield Rejected(chunk[entry["index"]][0], dict(entry["errors"]))


def book(chunk: List[Item], accepted: Iterable[Mapping[str, Any]], rejected: Iterable[Mapping[str, Any]], report: BatchReport) -> List[Item]:
    """Adds an answer's two lists to the report; returns the items that have to be sent again."""
    try:
        took = [Accepted(chunk[entry["index"]][0], entry["id"]) for entry in accepted]
        refused = list(rejected_of(chunk, rejected))
    except (KeyError, IndexError, TypeError) as error:
        raise UnexpectedAnswer("The answer to a batch is not that of FinanceIngest's API.") from error
    report.accepted += took
    report.rejected += refused
    settled = {entry.index for entry in took} | {entry.index for entry in refused}
    # These items are retryable, or the answer does not mention them, because it had no room for their errors.
    return [item for item in chunk if item[0] not in settled]


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
