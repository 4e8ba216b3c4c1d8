"""
Finds the rows that saving has not submitted: those that ``bulk_create``, ``QuerySet.update``, a fixture, SQL or another program wrote, and those of
which the outbox has lost the entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Dict, Iterator, List, Optional, Type

from django.db import transaction

from ..client import Client
from ..errors import InvalidTransaction
from ..results import FAILED, PURGED, SCORED, UNKNOWN
from .bulk import pieces
from .mapping import content_of, json_of, stands_for
from .models import AnomalyFields, AnomalyStatus, OutboxEntry
from .outbox import Submission, know_content, owners_by_key, submit_on_commit
from .rows import plain, read
from .sync import apply_results

ROWS_TOGETHER = 1_000
"""Rows of one database transaction."""


@dataclass
class Found:
    """The rows of a model that saving has not submitted, and what was done about them."""

    new: int = 0
    """Rows that were not submitted before."""

    changed: int = 0
    """Rows that are not any more what was submitted."""

    deleted: int = 0
    """Rows that were submitted and no longer belong to the service, such as softly deleted ones."""

    lost: int = 0
    """Pending rows without an outbox entry."""

    older: int = 0
    """Rows from before the app, which have no key: they are left alone unless they are asked for."""

    answered: int = 0
    """Pending rows whose result the service had, although the feed has passed it."""

    done: Submission = field(default_factory=Submission)


@dataclass(frozen=True)
class Wanted:
    """Which rows are submitted."""

    older: bool = False
    """Also those from before the app."""

    since: Optional[datetime] = None
    """Of the rows that were not submitted before, only those whose time is not before this."""

    only_changed: bool = False
    """Only those that were submitted before."""

    dry_run: bool = False
    """None: they are only counted."""


def submit_missing(model: Type[AnomalyFields], using: str, client: Client, wanted: Wanted, stop: Callable[[], bool] = lambda: False) -> Found:
    """
    Goes through the rows of a model, and adds to the outbox what is missing there. What is in the outbox is submitted by ``drain``. It may be repeated,
    and run beside the site.
    """
    found = Found()
    for pks in _pieces(model, using):
        if stop():
            break
        if not wanted.dry_run:
            know_content(model, using, pks)
        with transaction.atomic(using=using):
            chosen = _choose(model, using, pks, wanted, found)
            if chosen and not wanted.dry_run:
                found.done.add(submit_on_commit(chosen))
        if not wanted.dry_run:
            found.answered += _ask(model, using, pks, client)
    return found


def delete_orphans(using: str) -> int:
    """Deletes refused outbox entries whose row is gone, for example because SQL deleted it. Returns their number."""
    refused = OutboxEntry.objects.using(using).filter(state=OutboxEntry.REFUSED)
    keys = list(refused.values_list("ingest_key", "row_model"))
    known = owners_by_key(using, keys)
    orphans = [key for key, _ in keys if key not in known]
    for part in pieces(orphans):
        refused.filter(ingest_key__in=part).delete()
    return len(orphans)


def _pieces(model: Type[AnomalyFields], using: str) -> Iterator[List[Any]]:
    last: Any = None
    while True:
        rows = plain(model, using) if last is None else plain(model, using).filter(pk__gt=last)
        pks = list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_TOGETHER])
        if not pks:
            return
        yield pks
        last = pks[-1]


def _choose(model: Type[AnomalyFields], using: str, pks: List[Any], wanted: Wanted, found: Found) -> List[AnomalyFields]:
    chosen: List[AnomalyFields] = []
    rows: Dict[Any, AnomalyFields] = {}
    for part in pieces(pks):
        rows.update(read(model, using, part))
    waiting = _keys_with_entries(using, [row.ingest_key for row in rows.values() if row.anomaly_status == AnomalyStatus.PENDING])
    for row in rows.values():
        if _is_chosen(row, waiting, wanted, found):
            chosen.append(row)
    return chosen


def _is_chosen(row: AnomalyFields, waiting: Any, wanted: Wanted, found: Found) -> bool:
    status = row.anomaly_status
    was_submitted = status not in (AnomalyStatus.NOT_SUBMITTED, AnomalyStatus.WITHDRAWN)
    if not row.should_ingest():
        found.deleted += was_submitted
        return was_submitted
    if not was_submitted:
        if wanted.only_changed or not _is_recent(row, wanted.since):
            return False
        if row.ingest_key is None and not wanted.older:
            found.older += 1
            return False
        found.new += 1
        return True
    if status == AnomalyStatus.REFUSED:
        # The outbox says why, and saving the mended row submits it.
        return _has_changed(row) and _count(found, "changed")
    if status == AnomalyStatus.PENDING and row.ingest_id is None and row.ingest_key not in waiting:
        return _count(found, "lost")
    return _has_changed(row) and _count(found, "changed")


def _count(found: Found, name: str) -> bool:
    setattr(found, name, getattr(found, name) + 1)
    return True


def _has_changed(row: AnomalyFields) -> bool:
    if row.ingest_key is None:
        return True
    try:
        return stands_for(row.ingest_key, content_of(row, json_of(row, ""))) is False
    except InvalidTransaction:
        return row.anomaly_status != AnomalyStatus.REFUSED


def _is_recent(row: AnomalyFields, since: Optional[datetime]) -> bool:
    if since is None:
        return True
    try:
        occurred = row.to_ingest().occurred_at
    except Exception:
        return True
    return not isinstance(occurred, datetime) or occurred >= since


def _keys_with_entries(using: str, keys: List[Any]) -> Any:
    found = set()
    for part in pieces(keys):
        found.update(OutboxEntry.objects.using(using).filter(ingest_key__in=part).values_list("ingest_key", flat=True))
    return found


def _ask(model: Type[AnomalyFields], using: str, pks: List[Any], client: Client) -> int:
    """Asks for the results of pending rows that have no entry any more: the feed may have passed them, in a backup of this database for example."""
    pending: Dict[Any, str] = {}
    for part in pieces(pks):
        rows = plain(model, using).filter(pk__in=part, anomaly_status=AnomalyStatus.PENDING).exclude(ingest_id=None)
        pending.update((key, str(ingest_id)) for key, ingest_id in rows.values_list("ingest_key", "ingest_id"))
    for key in _keys_with_entries(using, list(pending)):
        del pending[key]
    if not pending:
        return 0
    results = [result for result in client.get_many(list(pending.values())) if result.status in (SCORED, FAILED, PURGED, UNKNOWN)]
    return apply_results(using, results, only_pending=True)
