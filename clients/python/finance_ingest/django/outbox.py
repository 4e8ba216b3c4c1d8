"""
Submits committed rows to the service.

The order of effects: the row and its outbox entry commit together; the entry is submitted; then, in one database transaction, the row gets
its id and the entry becomes SUBMITTED. After a crash at any point the entry is submitted again under the same key, and the service
recognises the repeat.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Type, Union

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from ..batches import BatchReport
from ..client import Client
from ..errors import IncompleteSubmission, describe_errors
from .bulk import pieces, value_by_key
from .models import AnomalyFields, AnomalyStatus, OutboxEntry, databases, model_of, owner_of
from .settings import read_settings, request_client

MOST_ENTRIES = 5_000
"""The number of entries that are submitted together."""

LEASE = timedelta(minutes=5)
"""The duration of a claim, which is longer than a submission with all its retries."""

log = logging.getLogger("finance_ingest")


@dataclass
class Drained:
    """The result of a drain; ``failure`` is the error that ended it early, or None."""

    submitted: int = 0
    refused: int = 0
    failure: Optional[Exception] = None


def submit_on_commit(rows: Union[AnomalyFields, Iterable[AnomalyFields]], *, again: bool = False) -> None:
    """
    Submits a saved row, or several, when the surrounding database transaction commits. If it rolls back, nothing is submitted.

    Call this in the ``transaction.atomic()`` block that saves the row. A row is submitted once, however often this is called. With
    ``again`` the present values of the row are submitted as a new transaction.

    Raises InvalidTransaction for a row that the service could never accept, and TransactionManagementError outside of ``atomic()``.
    """
    instances = [rows] if isinstance(rows, AnomalyFields) else list(rows)
    for kind in {owner_of(type(instance)): None for instance in instances}:
        _add(kind, [instance for instance in instances if owner_of(type(instance)) is kind], again)


def drain(using: str, client: Client, keys: Optional[Sequence[uuid.UUID]] = None, stop: Callable[[], bool] = lambda: False) -> Drained:
    """
    Submits the waiting entries of a database's outbox, or only those with these keys. Two processes may do so at once. Entries that can't be
    submitted now stay.
    """
    drained = Drained()
    for part in [None] if keys is None else pieces(keys):
        while drained.failure is None and not stop():
            token = _claim(using, part)
            if token is None:
                break
            _submit(using, client, token, drained)
    return drained


def _add(model: Type[AnomalyFields], instances: List[AnomalyFields], again: bool) -> None:
    using = _database_of(model, instances)
    written: List[uuid.UUID] = []
    for part in pieces(instances):
        keys = _keys_to_submit(model, using, [instance.pk for instance in part], again)
        submitted = [instance for instance in part if instance.pk in keys]
        _write_entries(model, using, [(instance, keys[instance.pk]) for instance in submitted])
        for instance in submitted:
            instance.ingest_key, instance.anomaly_status = keys[instance.pk], AnomalyStatus.PENDING
        written += keys.values()
    if read_settings().SUBMIT_ON_COMMIT:
        _forget_rolled_back(using)
        _committing(using).extend(written)
        transaction.on_commit(partial(_submit_committed, using), using=using)


def _database_of(model: Type[AnomalyFields], instances: List[AnomalyFields]) -> str:
    if any(instance._state.adding for instance in instances):
        raise ValueError(f"submit_on_commit needs a saved {model.__name__}: call save() before it, in the same transaction.atomic() block.")
    used = {instance._state.db for instance in instances}
    if len(used) != 1 or not used <= set(databases()):
        raise ImproperlyConfigured(f"{model.__name__} is in {sorted(map(str, used))}, but the router writes it to another database, where its outbox is.")
    using: str = used.pop()
    if not transaction.get_connection(using).in_atomic_block:
        raise TransactionManagementError(
            "submit_on_commit must be called inside transaction.atomic(), together with the save(): "
            "otherwise a crash between the two would lose the submission."
        )
    return using


def _keys_to_submit(model: Type[AnomalyFields], using: str, pks: List[Any], again: bool) -> Dict[Any, uuid.UUID]:
    """Returns the idempotency keys of the rows that are not submitted yet, by primary key, and marks these rows as pending."""
    rows = model._base_manager.using(using).filter(pk__in=pks)
    if again:
        stale = list(rows.exclude(ingest_key=None).values_list("ingest_key", flat=True))
        OutboxEntry.objects.using(using).filter(ingest_key__in=stale).exclude(state=OutboxEntry.SUBMITTED).delete()
        rows.update(ingest_key=None, ingest_id=None, is_anomaly=False, z_score=None)
    keyless = {pk: uuid.uuid4() for pk in rows.filter(ingest_key=None).values_list("pk", flat=True)}
    if keyless:
        # When two processes do this at once, the first one wins, and both read the key that it wrote.
        rows.filter(pk__in=list(keyless), ingest_key=None).update(ingest_key=value_by_key(model, model._meta.pk.name, "ingest_key", keyless))
    new = rows.filter(ingest_id=None)
    new.update(anomaly_status=AnomalyStatus.PENDING)
    return dict(new.values_list("pk", "ingest_key"))


def _write_entries(model: Type[AnomalyFields], using: str, submissions: List[Any]) -> None:
    entries = OutboxEntry.objects.using(using)
    texts = {key: json.dumps(instance.to_ingest().to_json(str(key))) for instance, key in submissions}
    known = set(entries.filter(ingest_key__in=list(texts)).values_list("ingest_key", flat=True))
    if known:
        # The row was saved twice before it was submitted, or mended after it was refused, and its present values are submitted.
        entries.filter(ingest_key__in=list(known)).exclude(state=OutboxEntry.SUBMITTED).update(
            state=OutboxEntry.WAITING, transaction=value_by_key(OutboxEntry, "ingest_key", "transaction", {key: texts[key] for key in known})
        )
    entries.bulk_create(
        [
            OutboxEntry(row_model=model._meta.label_lower, row_pk=str(instance.pk), ingest_key=key, transaction=texts[key])
            for instance, key in submissions
            if key not in known
        ],
        ignore_conflicts=True,
    )


_local = threading.local()


def _committing(using: str) -> List[uuid.UUID]:
    """
    Returns the keys that this thread's transaction on the database is about to commit. Some may have no entry, because a savepoint that is
    rolled back leaves its keys here.
    """
    by_database: Dict[str, List[uuid.UUID]] = _local.__dict__.setdefault("committing", {})
    return by_database.setdefault(using, [])


def _forget_rolled_back(using: str) -> None:
    # No callback waits for a commit, so the remembered keys were rolled back.
    if not transaction.get_connection(using).run_on_commit:
        _committing(using).clear()


class _Rest:
    """Keeps commits from waiting, each for its time-out, for a service that was just found down."""

    until = 0.0


def _submit_committed(using: str) -> None:
    # The first callback of a database transaction submits all of its entries.
    keys, _committing(using)[:] = list(_committing(using)), []
    if not keys or time.monotonic() < _Rest.until:
        return
    try:
        failure = drain(using, request_client(), keys).failure
    except Exception:
        # The row is committed and the outbox will submit it, so the code that saved it must not get an error.
        log.exception("Submitting after the commit failed; the outbox keeps it for sync_anomalies or submit_outbox.")
        return
    if failure is not None:
        _Rest.until = time.monotonic() + read_settings().ON_COMMIT_PAUSE
        log.warning("Submitting after the commit failed; the outbox keeps it for sync_anomalies or submit_outbox. %s", failure)


def _claim(using: str, keys: Optional[Sequence[uuid.UUID]]) -> Optional[uuid.UUID]:
    """Claims waiting entries for this process; returns None when there are none."""
    now = timezone.now()
    waiting = OutboxEntry.objects.using(using).filter(Q(claimed_until=None) | Q(claimed_until__lt=now), state=OutboxEntry.WAITING)
    if keys is not None:
        waiting = waiting.filter(ingest_key__in=list(keys))
    ids = list(waiting.order_by("id").values_list("id", flat=True)[:MOST_ENTRIES])
    if not ids:
        return None
    token = uuid.uuid4()
    # A single statement claims the entries, so that two processes never claim the same one.
    waiting.filter(id__gte=ids[0], id__lte=ids[-1]).update(claimed_by=token, claimed_until=now + LEASE, attempts=F("attempts") + 1)
    return token


def _submit(using: str, client: Client, token: uuid.UUID, drained: Drained) -> None:
    claimed = OutboxEntry.objects.using(using).filter(claimed_by=token)
    entries = list(claimed.order_by("id"))
    try:
        report = client.submit_many(json.loads(entry.transaction) for entry in entries)
    except IncompleteSubmission as error:
        report, drained.failure = error.report, error.cause
    with transaction.atomic(using=using):
        _settle_accepted(using, claimed, entries, report)
        _settle_refused(using, claimed, entries, report)
        # Entries that were not submitted are released at once.
        claimed.filter(state=OutboxEntry.WAITING).update(last_error=str(drained.failure or ""))
        claimed.update(claimed_by=None, claimed_until=None)
    drained.submitted += len(report.accepted)
    drained.refused += len(report.rejected)


def _settle_accepted(using: str, claimed: "QuerySet[OutboxEntry]", entries: List[OutboxEntry], report: BatchReport) -> None:
    for part in pieces(report.accepted):
        ids = {entries[accepted.index].ingest_key: uuid.UUID(accepted.id) for accepted in part}
        # Rows are updated before entries, in the order in which submit_on_commit locks them. Rows are found by their idempotency key, because a row
        # that was submitted again in the meantime has a new one.
        for model in _models_of(entries[accepted.index] for accepted in part):
            model._base_manager.using(using).filter(ingest_key__in=list(ids)).update(ingest_id=value_by_key(model, "ingest_key", "ingest_id", ids))
        claimed.filter(ingest_key__in=list(ids)).update(state=OutboxEntry.SUBMITTED, last_error="")


def _settle_refused(using: str, claimed: "QuerySet[OutboxEntry]", entries: List[OutboxEntry], report: BatchReport) -> None:
    for rejected in report.rejected:
        entry = entries[rejected.index]
        reason = describe_errors(rejected.errors)
        log.warning("The service refuses %s: %s. The outbox entry says so too; mend the row and call submit_on_commit again.", entry, reason)
        for model in _models_of([entry]):
            model._base_manager.using(using).filter(ingest_key=entry.ingest_key).update(anomaly_status=AnomalyStatus.REFUSED)
        claimed.filter(pk=entry.pk).update(state=OutboxEntry.REFUSED, last_error=reason)


def _models_of(entries: Iterable[OutboxEntry]) -> Set[Type[AnomalyFields]]:
    return {model for model in map(model_of, {entry.row_model for entry in entries}) if model is not None}
