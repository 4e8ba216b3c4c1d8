"""Sends a file of transactions, and keeps the account of its rows."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..batches import BatchReport
from ..errors import IncompleteSubmission
from .keys import IdempotencyKeys, KeyRepeats
from .problems import FileProblem
from .transaction_files import FileTransaction, SourceRow

MOST_KEPT = 10_000
"""The number of rejected rows that are kept with their reasons; the rest is only counted."""

MOST_REPEATS_KEPT = 20
"""The number of rows with a repeated key that are kept."""

_LONGEST_REASON = 500
_MOST_ROWS = 10_000
_MOST_BYTES = 8 * 1024 * 1024


@dataclass
class Tally:
    """
    The account of a file's rows. ``repeats`` has the lines of rows whose user and key an earlier row has, each with the line of that row. ``stopped`` is why
    the sending ended before the end of the file.
    """

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    repeated: int = 0
    repeats: List[Tuple[int, int]] = field(default_factory=lambda: [])
    stopped: Optional[str] = None
    is_interrupted: bool = False
    _kept: List[Tuple[int, str]] = field(default_factory=lambda: [])

    def reject(self, line: int, reason: str) -> None:
        """Counts a rejected row, and keeps the first 10,000 of the file."""
        self.rejected += 1
        if len(reason) > _LONGEST_REASON:
            reason = f"{reason[:_LONGEST_REASON]}…"
        # The kept row with the highest line is the first of the heap.
        if len(self._kept) < MOST_KEPT:
            heapq.heappush(self._kept, (-line, reason))
        elif line < -self._kept[0][0]:
            heapq.heapreplace(self._kept, (-line, reason))

    def rejected_rows(self) -> List[Tuple[int, str]]:
        """Returns the kept rejections in the file's order, each with its line and its reason."""
        return sorted((-line, reason) for line, reason in self._kept)


def send_rows(rows: Iterator[SourceRow], keys: IdempotencyKeys, submit: Callable[[List[FileTransaction]], BatchReport], tally: Tally) -> None:
    """
    Sends rows in requests of a bounded size, so that a file of any size needs the memory of one request.

    Raises FileProblem when the file can't be read to its end. When the service can't be reached or refuses the requests, ``tally.stopped`` says why.
    """
    repeats = KeyRepeats()
    lines: List[int] = []
    transactions: List[FileTransaction] = []
    size = 0
    problem: Optional[FileProblem] = None
    try:
        for row in rows:
            tally.rows += 1
            if row.problem is not None:
                tally.reject(row.line, row.problem)
                continue
            values = dict(row.values or {})
            if row.own_key is not None:
                first = repeats.meet(*row.own_key, row.line)
                if first is not None:
                    tally.repeated += 1
                    if len(tally.repeats) < MOST_REPEATS_KEPT:
                        tally.repeats.append((row.line, first))
            if not row.has_key:
                values["idempotency_key"] = keys.key(row.fields, row.has_time)
            length = sum(len(part) for part in row.fields) + len(str(values["idempotency_key"])) + 200
            if transactions and (len(transactions) == _MOST_ROWS or size + length > _MOST_BYTES):
                if not _send(lines, transactions, submit, tally):
                    return
                lines, transactions, size = [], [], 0
            lines.append(row.line)
            transactions.append(FileTransaction(values))
            size += length
    except FileProblem as error:
        # The rows before the trouble are sent all the same.
        problem = error
    if transactions and not _send(lines, transactions, submit, tally):
        return
    if problem is not None:
        raise problem


def _send(lines: Sequence[int], transactions: List[FileTransaction], submit: Callable[[List[FileTransaction]], BatchReport], tally: Tally) -> bool:
    try:
        report = submit(transactions)
    except IncompleteSubmission as error:
        report = error.report
        tally.stopped = str(error.cause)
    except KeyboardInterrupt as error:
        # The client may have put on the exception what is known to be accepted.
        carried: Any = getattr(error, "report", None)
        report = carried if isinstance(carried, BatchReport) else BatchReport()
        tally.stopped = "Interrupted."
        tally.is_interrupted = True
    tally.accepted += len(report.accepted)
    for rejected in report.rejected:
        tally.reject(lines[rejected.index], describe_row_errors(rejected.errors))
    return tally.stopped is None


def describe_row_errors(errors: Mapping[str, List[str]]) -> str:
    """Returns the errors of a row on one line."""
    named: Dict[str, List[str]] = dict(errors)
    return "; ".join(f"{'the row' if name == '$' else name} {', '.join(messages)}" for name, messages in named.items())
