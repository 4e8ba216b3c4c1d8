"""
Writes the service's results to the rows.

A page of the feed and the move of the cursor are one database transaction. The cursor moves first, from the place where the page was read:
when two processes read at once, one gets the row lock, and the other finds the cursor elsewhere and drops its page. So an older result
never overwrites a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, Sequence, Type
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ..client import Client
from ..errors import Gone
from ..results import FAILED, PURGED, SCORED, UNKNOWN, Result
from .bulk import pieces, rows_together, value_by_key
from .models import AnomalyFields, AnomalyStatus, FeedCursor, OutboxEntry, explained_columns, models_in, unexplained
from .rows import plain, read
from .signals import announce, is_anyone_listening

_CONFIRMED_TOGETHER = 1_000

WITHDRAWN = "withdrawn"
"""The status of a transaction that somebody took back at the service."""

_LONGEST_REASON = 32

_MEASURED = (AnomalyStatus.NORMAL, AnomalyStatus.ANOMALOUS)


@dataclass
class Synced:
    """The result of a sync."""

    results: int = 0
    rows: int = 0
    started_again: bool = False


def sync(using: str, client: Client, stop: Callable[[], bool] = lambda: False) -> Synced:
    """Brings a database's rows up to date with the feed, and confirms submitted entries. Two processes may do so at once."""
    synced = Synced()
    while not stop() and _read_page(using, client, synced):
        pass
    while not stop() and _confirm(using, client, synced):
        pass
    return synced


def is_anything_open(using: str) -> bool:
    """Whether a row waits for the service. Only this database is read."""
    return (
        OutboxEntry.objects.using(using).exclude(state=OutboxEntry.REFUSED).exists()
        or any(plain(model, using).filter(anomaly_status=AnomalyStatus.PENDING).exists() for model in models_in(using))
    )


def apply_results(using: str, results: Iterable[Result], *, only_pending: bool = False, unknown: Collection[str] = ()) -> int:
    """
    Writes results to the rows that have their ids, and returns the number of rows. Of several results with one id the last counts. The signals are
    sent when the database transaction commits. ``unknown`` names columns of ExplainedAnomalyFields of which these results know nothing: they stay as they are.
    """
    by_status: Dict[str, Dict[UUID, Result]] = {}
    for result in {result.id: result for result in results}.values():
        by_status.setdefault(_status_of(result), {})[UUID(result.id)] = result
    rows = 0
    with transaction.atomic(using=using):
        for model in models_in(using):
            columns = [name for name in explained_columns(model) if name not in unknown]
            for status, found in by_status.items():
                for part in pieces(list(found), rows_together(1 + len(columns))):
                    matching = plain(model, using).filter(ingest_id__in=part)
                    if only_pending:
                        matching = matching.filter(anomaly_status=AnomalyStatus.PENDING)
                    rows += _apply(model, using, matching, status, {key: found[key] for key in part}, columns)
    return rows


def _apply(model: Type[AnomalyFields], using: str, matching: Any, status: str, found: Mapping[UUID, Result], columns: Sequence[str]) -> int:
    changed: Dict[Any, _Change] = {}
    if is_anyone_listening(model):
        for pk, ingest_id, status_before, score_before in matching.values_list("pk", "ingest_id", "anomaly_status", "z_score"):
            if (status_before, score_before) != (status, found[ingest_id].z_score if status in _MEASURED else None):
                changed[pk] = _Change(found[ingest_id], status == AnomalyStatus.ANOMALOUS != status_before)
    count: int = matching.update(
        anomaly_status=status,
        is_anomaly=status == AnomalyStatus.ANOMALOUS,
        z_score=value_by_key(model, "ingest_id", "z_score", {key: result.z_score for key, result in found.items()}) if status in _MEASURED else None,
        **_explained(model, status, found, columns),
    )
    if changed:
        transaction.on_commit(partial(_announce, model, using, changed), using=using)
    return count


def _explained(model: Type[AnomalyFields], status: str, found: Mapping[UUID, Result], columns: Sequence[str]) -> Dict[str, Any]:
    if not columns:
        return {}
    if status not in (*_MEASURED, AnomalyStatus.UNSCORED):
        empty = unexplained(model)
        return {name: empty[name] for name in columns}
    values = {key: explanation_of(result) for key, result in found.items()}
    return {name: value_by_key(model, "ingest_id", name, {key: value[name] for key, value in values.items()}) for name in columns}


def explanation_of(result: Result) -> Dict[str, Any]:
    """Returns what the columns of ExplainedAnomalyFields have for a scored transaction."""
    baseline = result.baseline
    return {
        "baseline_mean": None if baseline is None else baseline.mean,
        "baseline_std_dev": None if baseline is None else baseline.std_dev,
        "baseline_count": None if baseline is None else baseline.sample_count,
        "anomaly_reason": (result.reason or "")[:_LONGEST_REASON],
        "anomaly_surprise": result.surprise,
        "anomaly_explanation": result.explanation or "",
    }


@dataclass(frozen=True)
class _Change:
    """A row's new answer."""

    result: Result
    is_new_anomaly: bool


def _announce(model: Type[AnomalyFields], using: str, changed: Dict[Any, _Change]) -> None:
    for pks in pieces(list(changed)):
        for pk, row in read(model, using, pks).items():
            # A row that was changed or deleted since has no answer any more.
            if str(row.ingest_id) == changed[pk].result.id:
                announce(row, changed[pk].result, using, is_new_anomaly=changed[pk].is_new_anomaly)


def _status_of(result: Result) -> str:
    if result.status == WITHDRAWN:
        return AnomalyStatus.WITHDRAWN
    if result.status != SCORED:
        return AnomalyStatus.FAILED
    if result.is_anomaly:
        return AnomalyStatus.ANOMALOUS
    return AnomalyStatus.UNSCORED if result.z_score is None else AnomalyStatus.NORMAL


def _read_page(using: str, client: Client, synced: Synced) -> bool:
    """Reads and applies a page; returns False at the end of the feed."""
    cursors = FeedCursor.objects.using(using)
    cursor, _ = cursors.get_or_create(pk=FeedCursor.THE_ONE)
    unmoved = cursors.filter(pk=cursor.pk, cursor=cursor.cursor)
    try:
        page = client.results(cursor.cursor or None)
    except Gone:
        if not cursor.cursor:
            raise
        # The service's database was restored. All results are read once more, and overwrite those in the rows.
        synced.started_again |= bool(unmoved.update(cursor="", moved_at=timezone.now()))
        return True
    if page.next != cursor.cursor:
        with transaction.atomic(using=using):
            if not unmoved.update(cursor=page.next, moved_at=timezone.now()):
                return True
            synced.rows += apply_results(using, page)
        synced.results += len(page)
    return len(page) > 0


def _confirm(using: str, client: Client, synced: Synced) -> bool:
    """
    Asks once for each submitted row that is still pending, because its result may have passed in the feed before its id was stored. A result
    that the service calls pending is still to come in the feed. Returns False when no entry is left to confirm.
    """
    submitted = OutboxEntry.objects.using(using).filter(state=OutboxEntry.SUBMITTED)
    entries = dict(submitted.order_by("id").values_list("pk", "ingest_key")[:_CONFIRMED_TOGETHER])
    if not entries:
        return False
    pending: List[str] = []
    for part in pieces(list(entries.values())):
        for model in models_in(using):
            rows = plain(model, using).filter(ingest_key__in=part, anomaly_status=AnomalyStatus.PENDING).exclude(ingest_id=None)
            pending += map(str, rows.values_list("ingest_id", flat=True))
    answered = [result for result in client.get_many(pending) if result.status in (SCORED, FAILED, PURGED, UNKNOWN)]
    with transaction.atomic(using=using):
        # Rows are updated before entries, in the order in which submit_on_commit locks them.
        synced.rows += apply_results(using, answered, only_pending=True)
        for part in pieces(list(entries)):
            submitted.filter(pk__in=part).delete()
    return True
