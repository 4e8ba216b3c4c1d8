"""
Submits committed rows to the service.

The order of effects: the row and its outbox entry commit together; the entry is submitted; then, in one database transaction, the row gets
its id and the entry becomes SUBMITTED. After a crash at any point the entry is submitted again under the same key, and the service
recognises the repeat.

A key stands for one content of a row. When the content changes, the row gets another key and is a new transaction; an entry or a result of the old
key finds no row any more.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone as _timezone
from functools import partial
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Type, Union

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction
from django.db.models import F, Q, QuerySet
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from ..batches import BatchReport
from ..client import Client
from ..errors import IncompleteSubmission, InvalidTransaction, describe_errors
from ..keys import uuid7
from ..transactions import format_time
from .bulk import pieces, value_by_key
from .mapping import belongs_to_service, content_of, json_of, key_for, key_for_earlier, stands_for
from .models import AnomalyFields, AnomalyStatus, OutboxEntry, is_home_of, model_of, models_in, owner_of, unexplained
from .rows import plain, read
from .settings import read_settings, request_client

MOST_ENTRIES = 5_000
"""The number of entries that are submitted together."""

LEASE = timedelta(minutes=5)
"""The duration of a claim, which is longer than a submission with all its retries."""

log = logging.getLogger("finance_ingest")


_LONGEST_OWN_KEY = 200


class InvalidRow(InvalidTransaction):
    """A row that the service could never accept. ``row`` is the model and the primary key, ``errors`` has messages by field."""

    def __init__(self, row: str, errors: Dict[str, List[str]]) -> None:
        super().__init__(errors)
        self.row = row

    def __str__(self) -> str:
        return f"{self.row}: {describe_errors(self.errors)}"


@dataclass
class Submission:
    """What ``submit_on_commit`` did: numbers of rows."""

    submitted: int = 0
    """Rows that are to be submitted at the commit."""

    unchanged: int = 0
    """Rows that were submitted before, as they are."""

    withdrawn: int = 0
    """Rows that were submitted before, and that no longer belong to the service, such as softly deleted ones."""

    left_out: int = 0
    """Rows that don't belong to the service and were not submitted before."""

    refused: Dict[str, str] = field(default_factory=dict)
    """Why rows can't be submitted, by model and primary key."""

    def add(self, other: "Submission") -> None:
        """Adds the numbers and reasons of another call."""
        self.submitted += other.submitted
        self.unchanged += other.unchanged
        self.withdrawn += other.withdrawn
        self.left_out += other.left_out
        self.refused.update(other.refused)


@dataclass
class Drained:
    """The result of a drain; ``failure`` is the error that ended it early, or None."""

    submitted: int = 0
    refused: int = 0
    dropped: int = 0
    """Entries whose row was deleted or has changed since."""
    failure: Optional[Exception] = None


Rows = Union[AnomalyFields, Iterable[AnomalyFields]]


def submit_on_commit(rows: Rows, *, again: bool = False, strict: bool = False) -> Submission:
    """
    Submits a saved row, or several, when the surrounding database transaction commits. If it rolls back, nothing is submitted.

    ``save()`` calls this by itself, so it is needed only after ``bulk_create``, ``bulk_update`` and ``QuerySet.update``, in the same
    ``transaction.atomic()`` block, and for models with ``ingest_on_save = False``. What is submitted is what the database has. A row is
    submitted once for each of its contents, however often this is called: when its amount, user, category or time has changed, it is a new
    transaction. With ``again`` it is a new one in any case.

    A row that the service could never accept becomes ``refused``, with the reason in the outbox, and the others are submitted. With ``strict`` it
    raises InvalidRow, which is an InvalidTransaction. Raises TransactionManagementError outside of ``atomic()``.
    """
    return _submit_tables(_by_table(rows), again, strict)


def submit(rows: Rows, *, again: bool = False, strict: bool = False) -> Submission:
    """Does what ``submit_on_commit`` does, in a database transaction of its own: for rows that were saved before."""
    tables = _by_table(rows)
    with ExitStack() as transactions:
        for using in sorted({using for _, using in tables}):
            transactions.enter_context(transaction.atomic(using=using))
        return _submit_tables(tables, again, strict)


async def asubmit_on_commit(rows: Rows, *, again: bool = False, strict: bool = False) -> Submission:
    """
    Does what ``submit_on_commit`` does from asynchronous code. Where Django's thread for synchronous code is inside of ``atomic()``, the rows are submitted
    when that commits; otherwise in a database transaction of their own, since no block of ``atomic()`` can hold an ``await``.
    """
    done: Submission = await sync_to_async(submit, thread_sensitive=True)(rows, again=again, strict=strict)
    return done


def _submit_tables(tables: "Tables", again: bool, strict: bool) -> Submission:
    done = Submission()
    for (owner, using), chosen in tables.items():
        _require_atomic(using)
        written: List[uuid.UUID] = []
        for condition in chosen.conditions():
            written += _Piece(owner, using, chosen, again, strict).submit(condition, done)
        if written and _submits_on_commit():
            _forget_rolled_back(using)
            _committing(using).extend(written)
            transaction.on_commit(partial(_submit_committed, using), using=using)
    return done


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


@dataclass
class _Chosen:
    """
    The rows that one call submits in one table, with the instances that the caller holds: by their primary keys, or by their idempotency keys where
    the instances don't know their primary keys.
    """

    by_pk: Dict[Any, List[AnomalyFields]] = field(default_factory=dict)
    by_key: Dict[uuid.UUID, List[AnomalyFields]] = field(default_factory=dict)

    def conditions(self) -> Iterator[Q]:
        """Yields conditions for a bounded number of rows each."""
        for part in pieces(list(self.by_pk)):
            yield Q(pk__in=part)
        for keys in pieces(list(self.by_key)):
            yield Q(ingest_key__in=keys)


Tables = Dict[Tuple[Type[AnomalyFields], str], _Chosen]


def _by_table(rows: Rows) -> Tables:
    found: Tables = {}
    if isinstance(rows, QuerySet) and rows._result_cache is None:
        if not issubclass(rows.model, AnomalyFields):
            raise TypeError(f"submit_on_commit needs rows of a model with AnomalyFields, not of {rows.model.__name__}.")
        owner = owner_of(rows.model)
        using = _database(rows.model, rows._db)
        found[owner, using] = _Chosen(by_pk={pk: [] for pk in rows.using(using).values_list(owner._meta.pk.name, flat=True)})
        return found
    for instance in [rows] if isinstance(rows, AnomalyFields) else rows:
        if not isinstance(instance, AnomalyFields):
            raise TypeError(f"submit_on_commit needs rows of a model with AnomalyFields, not {type(instance).__name__}.")
        owner = owner_of(type(instance))
        pk = getattr(instance, owner._meta.pk.attname)
        chosen = found.setdefault((owner, _database(type(instance), instance._state.db, instance)), _Chosen())
        if pk is not None and not instance._state.adding:
            chosen.by_pk.setdefault(pk, []).append(instance)
        elif instance.ingest_key is not None:
            # bulk_create made this row in a database that gives no keys back.
            chosen.by_key.setdefault(instance.ingest_key, []).append(instance)
        else:
            raise ValueError(f"submit_on_commit needs a saved {type(instance).__name__}: call save() before it, in the same transaction.atomic() block.")
    return found


def _database(model: Type[AnomalyFields], known: Optional[str], instance: Optional[AnomalyFields] = None) -> str:
    """Returns the database to which rows are written, and where their outbox is: not the replica from which they may have been read."""
    used = known if is_home_of(model, known) else router.db_for_write(model, instance=instance)
    if not is_home_of(model, used):
        raise ImproperlyConfigured(f"{model.__name__} is in {used}, but the router writes it to another database, where its outbox is.")
    return str(used)


def _require_atomic(using: str) -> None:
    if not transaction.get_connection(using).in_atomic_block:
        raise TransactionManagementError(
            "submit_on_commit must be called inside transaction.atomic(), together with the change of the row: "
            "otherwise a crash between the two would lose the submission."
        )


def _submits_on_commit() -> bool:
    try:
        return read_settings().SUBMIT_ON_COMMIT
    except ImproperlyConfigured as error:
        # The row is saved and its entry waits. manage.py check reports the setting.
        log.error("Nothing is submitted after the commit, and the outbox keeps it: %s", error)
        return False


@dataclass
class _State:
    """The service's columns of a row that is locked."""

    pk: Any
    key: Optional[uuid.UUID]
    id: Optional[uuid.UUID]
    status: str

    @property
    def is_untouched(self) -> bool:
        """Whether the row was never given to the outbox."""
        return self.status == AnomalyStatus.NOT_SUBMITTED and self.id is None


def _lock(owner: Type[AnomalyFields], using: str, condition: Q) -> List[_State]:
    # Rows are always locked before entries, and in the order of their keys.
    rows = plain(owner, using).filter(condition).order_by("pk").select_for_update()
    return [_State(*values) for values in rows.values_list("pk", "ingest_key", "ingest_id", "anomaly_status")]


class _Piece:
    """Rows that are submitted by one statement of each kind."""

    def __init__(self, owner: Type[AnomalyFields], using: str, chosen: _Chosen, again: bool, strict: bool) -> None:
        self._owner, self._using, self._chosen, self._again, self._strict = owner, using, chosen, again, strict
        self._texts: Dict[uuid.UUID, str] = {}
        self._reasons: Dict[uuid.UUID, str] = {}
        self._fresh: Dict[Any, uuid.UUID] = {}
        self._kept: Dict[Any, uuid.UUID] = {}
        self._stale: List[_State] = []
        self._withdrawn: List[_State] = []

    def submit(self, condition: Q, done: Submission) -> List[uuid.UUID]:
        """Writes rows and entries, and returns the keys that are to be submitted."""
        states = _lock(self._owner, self._using, condition)
        rows = read(self._owner, self._using, [state.pk for state in states])
        for state in states:
            if state.pk in rows:
                self._decide(state, rows[state.pk], done)
        self._write()
        self._tell_instances(states)
        done.submitted += len(self._texts)
        return list(self._texts)

    def _decide(self, state: _State, row: AnomalyFields, done: Submission) -> None:
        try:
            belongs = belongs_to_service(row)
            fields = json_of(row, "") if belongs else {}
            content = content_of(row, fields) if belongs else ""
        except InvalidTransaction as error:
            self._refuse(state, row, error, done)
            return
        if not belongs:
            if state.is_untouched or state.status == AnomalyStatus.WITHDRAWN:
                done.left_out += 1
            else:
                self._withdrawn.append(state)
                done.withdrawn += 1
            return
        if state.key is None or state.status == AnomalyStatus.NOT_SUBMITTED or (state.status == AnomalyStatus.WITHDRAWN and state.id is None):
            is_new = True
        else:
            is_new = self._again or stands_for(state.key, content) is False
        if is_new:
            self._renew(state, key_for(content), fields)
        elif state.id is not None and state.status != AnomalyStatus.REFUSED:
            done.unchanged += 1
        else:
            # The row waits in the outbox, or was refused and is tried once more.
            assert state.key is not None
            self._kept[state.pk] = state.key
            self._texts[state.key] = self._text(state, state.key, fields)

    def _refuse(self, state: _State, row: AnomalyFields, error: InvalidTransaction, done: Submission) -> None:
        name = f"{row._meta.label} {state.pk}"
        if self._strict:
            raise InvalidRow(name, error.errors) from error
        key = uuid7()
        self._fresh[state.pk] = key
        self._stale.append(state)
        self._reasons[key] = done.refused[name] = describe_errors(error.errors)
        log.warning("%s can't be submitted: %s. The outbox entry says so too; the row is submitted when it is mended and saved.", name, self._reasons[key])

    def _renew(self, state: _State, key: uuid.UUID, fields: Dict[str, Any]) -> None:
        self._fresh[state.pk] = key
        self._texts[key] = self._text(state, key, fields)
        if not state.is_untouched:
            self._stale.append(state)

    def _text(self, state: _State, key: uuid.UUID, fields: Dict[str, Any]) -> str:
        own = fields["idempotency_key"]
        if not own:
            own = str(key)
        elif not state.is_untouched and state.pk not in self._kept:
            # A key of the project's own names the row. Its new content is another transaction to the service.
            own = f"{own[:_LONGEST_OWN_KEY]}:{key}"
        # Without a time of its own the row gets the present one, so that an outage doesn't shift it.
        return json.dumps({"occurred_at": format_time(datetime.now(_timezone.utc)), **fields, "idempotency_key": own})

    def _write(self) -> None:
        entries = OutboxEntry.objects.using(self._using)
        rows = plain(self._owner, self._using)
        pk = self._owner._meta.pk.name
        if self._fresh:
            refused = [pk for pk, key in self._fresh.items() if key in self._reasons]
            rows.filter(pk__in=list(self._fresh)).update(
                ingest_key=value_by_key(self._owner, pk, "ingest_key", self._fresh), **_answer(self._owner, AnomalyStatus.PENDING)
            )
            if refused:
                rows.filter(pk__in=refused).update(anomaly_status=AnomalyStatus.REFUSED)
            stale = [state.key for state in self._stale if state.key is not None]
            if stale:
                entries.filter(ingest_key__in=stale).delete()
        known: Dict[uuid.UUID, str] = {}
        if self._kept:
            rows.filter(pk__in=list(self._kept), anomaly_status=AnomalyStatus.REFUSED).update(anomaly_status=AnomalyStatus.PENDING)
            known = dict(entries.filter(ingest_key__in=list(self._kept.values())).values_list("ingest_key", "transaction"))
        if known:
            # An entry that may be under way keeps its text, unless its key is from version 0.1.0, whose keys stood for the row and not for its content.
            texts = {key: _with_key_of(text, self._texts[key]) for key, text in known.items()}
            old = [key for key in known if key.version != 7]
            entries.filter(Q(state=OutboxEntry.REFUSED) | Q(ingest_key__in=old), ingest_key__in=list(known)).exclude(state=OutboxEntry.SUBMITTED).update(
                state=OutboxEntry.WAITING, last_error="", transaction=value_by_key(OutboxEntry, "ingest_key", "transaction", texts)
            )
        label = self._owner._meta.label_lower
        pks = {key: pk for pk, key in [*self._fresh.items(), *self._kept.items()]}
        made = [
            OutboxEntry(row_model=label, row_pk=str(pks[key]), ingest_key=key, transaction=text) for key, text in self._texts.items() if key not in known
        ]
        for key, reason in self._reasons.items():
            made.append(OutboxEntry(row_model=label, row_pk=str(pks[key]), ingest_key=key, state=OutboxEntry.REFUSED, last_error=reason))
        if made:
            entries.bulk_create(made, ignore_conflicts=True)
        _withdraw(self._owner, self._using, self._withdrawn)

    def _tell_instances(self, states: List[_State]) -> None:
        """Gives the instances that the caller holds what their rows have now."""
        withdrawn = {state.pk for state in self._withdrawn}
        for state in states:
            key = self._fresh.get(state.pk)
            if key is not None:
                values = {"ingest_key": key, **_answer(self._owner, AnomalyStatus.REFUSED if key in self._reasons else AnomalyStatus.PENDING)}
            elif state.pk in withdrawn:
                values = _answer(self._owner, AnomalyStatus.WITHDRAWN)
            elif state.pk in self._kept:
                values = {"anomaly_status": AnomalyStatus.PENDING}
            else:
                continue
            held = self._chosen.by_pk.get(state.pk, [])
            if state.key is not None:
                held = [*held, *self._chosen.by_key.get(state.key, [])]
            for instance in held:
                for name, value in values.items():
                    setattr(instance, name, value)


def _with_key_of(earlier: str, text: str) -> str:
    """Returns the text of an entry with the idempotency key of the earlier one, if there is one."""
    return json.dumps({**json.loads(text), "idempotency_key": json.loads(earlier)["idempotency_key"]}) if earlier else text


def _answer(owner: Type[AnomalyFields], status: Any) -> Dict[str, Any]:
    """The columns of a row that has no answer of the service."""
    return {"anomaly_status": status, "ingest_id": None, "is_anomaly": False, "z_score": None, **unexplained(owner)}


def _withdraw(owner: Type[AnomalyFields], using: str, states: List[_State]) -> None:
    # The row gets another key, so that a submission that is under way finds it no more. The service has no route yet that takes a scored transaction back;
    # when it has, this is where the entry for it is written, and in saving for rows that are deleted.
    if not states:
        return
    keys = {state.pk: uuid7() for state in states}
    plain(owner, using).filter(pk__in=list(keys)).update(
        ingest_key=value_by_key(owner, owner._meta.pk.name, "ingest_key", keys), **_answer(owner, AnomalyStatus.WITHDRAWN)
    )
    OutboxEntry.objects.using(using).filter(ingest_key__in=[state.key for state in states if state.key is not None]).delete()


def know_content(owner: Type[AnomalyFields], using: str, pks: Sequence[Any]) -> int:
    """
    Gives rows that version 0.1.0 submitted a key that stands for their present content, so that a later change is seen. Rows that still have an
    outbox entry are left alone. Returns the number of rows.
    """
    count = 0
    for part in pieces(pks):
        with transaction.atomic(using=using):
            states = [state for state in _lock(owner, using, Q(pk__in=part)) if state.id is not None and state.key is not None and state.key.version != 7]
            busy = set(OutboxEntry.objects.using(using).filter(ingest_key__in=[state.key for state in states]).values_list("ingest_key", flat=True))
            rows = read(owner, using, [state.pk for state in states if state.key not in busy])
            keys: Dict[Any, uuid.UUID] = {}
            for pk, row in rows.items():
                try:
                    keys[pk] = key_for_earlier(content_of(row, json_of(row, "")))
                except InvalidTransaction:
                    continue
            if keys:
                plain(owner, using).filter(pk__in=list(keys)).update(ingest_key=value_by_key(owner, owner._meta.pk.name, "ingest_key", keys))
            count += len(keys)
    return count


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


def forget_outage() -> None:
    """Lets the next commit submit, although an earlier one found the service down."""
    _Rest.until = 0.0


def _submit_committed(using: str) -> None:
    # The first callback of a database transaction submits all of its entries.
    keys, _committing(using)[:] = list(dict.fromkeys(_committing(using))), []
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
    owners = owners_by_key(using, list(claimed.values_list("ingest_key", "row_model")))
    entries: List[OutboxEntry] = []
    orphans: List[int] = []
    for entry in claimed.order_by("id"):
        if entry.ingest_key in owners:
            entries.append(entry)
        else:
            orphans.append(entry.pk)
    for part in pieces(orphans):
        # The row was deleted, or it was changed and has another entry.
        claimed.filter(pk__in=part).delete()
    drained.dropped += len(orphans)
    if not entries:
        return
    try:
        report = client.submit_many(json.loads(entry.transaction) for entry in entries)
    except IncompleteSubmission as error:
        report, drained.failure = error.report, error.cause
    with transaction.atomic(using=using):
        _settle_accepted(using, claimed, entries, owners, report)
        _settle_refused(using, claimed, entries, owners, report)
        # Entries that were not submitted are released at once.
        claimed.filter(state=OutboxEntry.WAITING).update(last_error=str(drained.failure or ""))
        claimed.update(claimed_by=None, claimed_until=None)
    drained.submitted += len(report.accepted)
    drained.refused += len(report.rejected)


Owners = Dict[uuid.UUID, Type[AnomalyFields]]


def owners_by_key(using: str, entries: List[Tuple[uuid.UUID, str]]) -> Owners:
    """Returns the models in whose tables the keys are. The label in an entry is only where to look first: models are renamed and moved."""
    found: Owners = {}
    first = {label: model_of(label) for label in {label for _, label in entries}}
    for label, model in first.items():
        if model is not None and owner_of(model) in models_in(using):
            _find_keys(owner_of(model), using, [key for key, named in entries if named == label], found)
    for model in models_in(using):
        _find_keys(model, using, [key for key, _ in entries if key not in found], found)
    return found


def _find_keys(owner: Type[AnomalyFields], using: str, keys: List[uuid.UUID], found: Owners) -> None:
    for part in pieces(keys):
        found.update((key, owner) for key in plain(owner, using).filter(ingest_key__in=part).values_list("ingest_key", flat=True))


def _settle_accepted(using: str, claimed: "QuerySet[OutboxEntry]", entries: List[OutboxEntry], owners: Owners, report: BatchReport) -> None:
    for part in pieces(report.accepted):
        ids = {entries[accepted.index].ingest_key: uuid.UUID(accepted.id) for accepted in part}
        # Rows are updated before entries, in the order in which submit_on_commit locks them. Rows are found by their idempotency key, because a row
        # that was submitted again in the meantime has a new one.
        for owner in {owners[key] for key in ids}:
            plain(owner, using).filter(ingest_key__in=list(ids)).update(ingest_id=value_by_key(owner, "ingest_key", "ingest_id", ids))
        claimed.filter(ingest_key__in=list(ids)).update(state=OutboxEntry.SUBMITTED, last_error="")


def _settle_refused(using: str, claimed: "QuerySet[OutboxEntry]", entries: List[OutboxEntry], owners: Owners, report: BatchReport) -> None:
    for rejected in report.rejected:
        entry = entries[rejected.index]
        reason = describe_errors(rejected.errors)
        log.warning("The service refuses %s: %s. The outbox entry says so too; the row is submitted again when it is mended and saved.", entry, reason)
        plain(owners[entry.ingest_key], using).filter(ingest_key=entry.ingest_key).update(anomaly_status=AnomalyStatus.REFUSED)
        claimed.filter(pk=entry.pk).update(state=OutboxEntry.REFUSED, last_error=reason)
