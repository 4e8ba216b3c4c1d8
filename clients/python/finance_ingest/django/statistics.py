"""Computes baselines from the project's own transactions."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Tuple, Type
from uuid import UUID

from django.db import router

from ..errors import InvalidTransaction
from .mapping import content_of, json_of, stands_for
from .models import AnomalyFields, AnomalyStatus, owner_of
from .rows import children_of, only_itself, whole

_ROWS_TOGETHER = 2_000


@dataclass
class Counts:
    """How many rows were left out of the baselines, by reason."""

    anomalous: int = 0
    """Rows that the service found anomalous."""

    unscored: int = 0
    """Rows without a score: pending, failed, refused, or not submitted since the service knows the user's category."""

    changed: int = 0
    """Rows whose amount, user, category or time is not any more what was scored."""

    withdrawn: int = 0
    """Rows that don't belong to the service, such as softly deleted ones."""

    impossible: int = 0
    """Rows from which no transaction can be made."""


def baselines_of(
    model: Type[AnomalyFields], *, population: bool = False, anomalies: bool = False, unscored: bool = False, counts: Optional[Counts] = None
) -> Iterator[Dict[str, Any]]:
    """
    Yields the baseline of each user and category, from one pass over the rows, each mapped by the model's ``to_ingest``.

    A row counts when the service has found it normal. Before the service has scored anything for a user and category there is nothing but rows without
    a score, so those that were there first count as well: from the time before the app, or submitted while there was no baseline. With
    ``unscored`` all of them count. What is pending, changed since it was scored, refused, failed or withdrawn never counts.

    The standard deviation is that of a sample (n − 1) unless ``population`` is given (n). The rows are a sample of the user's spending, and the
    deviation is compared with transactions that are not among them. The population's formula is too small for that, by 29 % for two rows
    and by 1 % for forty, and so reports anomalies that are none.

    Rows that were found anomalous are left out unless ``anomalies`` is given, because one of them can widen the deviation so far that a similar
    transaction passes for normal.
    """
    counts = Counts() if counts is None else counts
    found: Dict[Tuple[int, int], _Baseline] = {}
    for row in _rows_of(model):
        if not row.should_ingest():
            counts.withdrawn += 1
            continue
        if row.anomaly_status in (AnomalyStatus.PENDING, AnomalyStatus.FAILED, AnomalyStatus.REFUSED, AnomalyStatus.WITHDRAWN):
            counts.unscored += 1
            continue
        try:
            fields = json_of(row, "")
            amount = float(fields["amount"])
        except (InvalidTransaction, ValueError):
            counts.impossible += 1
            continue
        if row.ingest_id is not None and row.ingest_key is not None and stands_for(row.ingest_key, content_of(row, fields)) is False:
            counts.changed += 1
            continue
        baseline = found.setdefault((fields["user_id"], fields["category_id"]), _Baseline())
        if row.anomaly_status in (AnomalyStatus.NOT_SUBMITTED, AnomalyStatus.UNSCORED) and not row.is_anomaly:
            baseline.add_unscored(amount, _order_of(row.ingest_key))
            continue
        if row.ingest_key is not None and row.anomaly_status != AnomalyStatus.NOT_SUBMITTED:
            baseline.note_score(_order_of(row.ingest_key))
        if row.is_anomaly and not anomalies:
            counts.anomalous += 1
        else:
            baseline.add(amount)
    for user, category in sorted(found):
        baseline = found[user, category]
        counts.unscored += baseline.finish(unscored)
        if baseline.count:
            yield {
                "user_id": user,
                "category_id": category,
                "mean": baseline.mean,
                "std_dev": baseline.deviation(population),
                "sample_count": baseline.count,
            }


@dataclass
class _Baseline:
    """The mean and deviation of amounts, by Welford's method, and those amounts of which it is not yet known whether they count."""

    count: int = 0
    mean: float = 0.0
    _squares: float = 0.0
    _first_score: Optional[int] = None
    _amounts: "array[float]" = field(default_factory=lambda: array("d"))
    _orders: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, amount: float) -> None:
        """Adds an amount that counts."""
        self.count += 1
        distance = amount - self.mean
        self.mean += distance / self.count
        self._squares += distance * (amount - self.mean)

    def add_unscored(self, amount: float, order: int) -> None:
        """Adds an amount that counts if it is older than the first score."""
        self._amounts.append(amount)
        self._orders.append(order)

    def note_score(self, order: int) -> None:
        """Notes that the service has scored a row."""
        if self._first_score is None or order < self._first_score:
            self._first_score = order

    def finish(self, unscored: bool) -> int:
        """Adds the amounts that count after all, and returns the number of the others."""
        left_out = 0
        for amount, order in zip(self._amounts, self._orders):
            if unscored or self._first_score is None or order <= self._first_score:
                self.add(amount)
            else:
                left_out += 1
        return left_out

    def deviation(self, population: bool) -> float:
        """Returns the standard deviation; 0 for one amount."""
        divisor = self.count if population or self.count == 1 else self.count - 1
        return math.sqrt(max(0.0, self._squares) / divisor)


def _rows_of(model: Type[AnomalyFields]) -> Iterator[AnomalyFields]:
    """Yields the rows of a model and of those that inherit its table, each as what it is. Rows that managers hide are among them."""
    owner = owner_of(model)
    using = router.db_for_read(owner)
    kinds: List[Type[AnomalyFields]] = [*children_of(model), model]
    for kind in kinds:
        yield from only_itself(kind, whole(kind, using)).iterator(chunk_size=_ROWS_TOGETHER)


def _order_of(key: Optional[UUID]) -> int:
    """A number that grows with the time at which a key was made. Rows from before the app, and keys of version 0.1.0, are older than all others."""
    return key.int >> 64 if key is not None and key.version == 7 else 0
