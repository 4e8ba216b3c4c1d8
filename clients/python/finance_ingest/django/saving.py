"""What ``save()`` and ``delete()`` of a model with AnomalyFields do beside their own work."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, Collection, Optional, Set, Type

from django.apps import apps
from django.db.models.signals import pre_delete
from django.db.transaction import get_connection

from .fields import SAVED_AS
from .mapping import has_own_mapping
from .models import AnomalyFields, OutboxEntry, deleted_field_of, is_home_of, owner_of
from .outbox import know_content, submit_on_commit
from .rows import plain
from .settings import submits_on_save


log = logging.getLogger("finance_ingest")


def submits(row: AnomalyFields, using: str, update_fields: Optional[Collection[str]]) -> bool:
    """Whether a save submits: not in a database without an outbox, and not when only other columns than those of the service are saved."""
    if not (row.ingest_on_save and submits_on_save()):
        return False
    if not is_home_of(type(row), using):
        _warn_once(type(row)._meta.label, using)
        return False
    return update_fields is None or bool(_decisive_names(type(row)) & set(update_fields)) or _has_own_rules(type(row))


def before_save(row: AnomalyFields, using: str) -> None:
    """Notes what was submitted of a row by version 0.1.0, whose keys don't tell."""
    if row.pk is not None and row.ingest_key is not None and row.ingest_key.version != 7:
        know_content(owner_of(type(row)), using, [getattr(row, owner_of(type(row))._meta.pk.attname)])


def after_save(row: AnomalyFields, using: str) -> None:
    """Adds the outbox entry of a saved row, if there is something to submit."""
    remember(row)
    submit_on_commit(row)


def remember(row: AnomalyFields) -> None:
    """Notes the primary key of a saved row, from which a copy of it is told."""
    setattr(row, SAVED_AS, row.pk)


def connect_deletion() -> None:
    """
    Connects the signal of deletion to each model with the mixin. A receiver for all models would make every deletion in the project load its rows.
    """
    for model in apps.get_models():
        if issubclass(model, AnomalyFields):
            pre_delete.connect(_forget_deleted, sender=model, dispatch_uid=f"finance_ingest.{model._meta.label_lower}")


def _forget_deleted(sender: Type[Any], instance: Any, using: str, **_: Any) -> None:
    # A row that is deleted is not submitted any more, in the same database transaction. What the service has of it can't be taken back before the
    # service has a route for that; its result finds no row. Rows are locked before entries, as everywhere.
    if not is_home_of(sender, using):
        return
    owner = owner_of(sender)
    pk = getattr(instance, owner._meta.pk.attname)
    rows = plain(owner, using).filter(pk=pk)
    if get_connection(using).in_atomic_block:
        rows = rows.select_for_update()
    keys = [key for key in rows.values_list("ingest_key", flat=True) if key is not None]
    if keys:
        OutboxEntry.objects.using(using).filter(ingest_key__in=keys).delete()


@lru_cache(maxsize=None)
def _warn_once(label: str, using: str) -> None:
    log.warning(
        "%s is saved in the database %r, to which the router does not write it: rows there are not submitted. "
        "If they should be, name the database in FINANCE_INGEST['DATABASES'].",
        label,
        using,
    )


def _decisive_names(model: Type[AnomalyFields]) -> Set[str]:
    named = {model.ingest_user_field, model.ingest_category_field, model.ingest_amount_field, model.ingest_time_field, deleted_field_of(model)}
    return {name for field in model._meta.concrete_fields if {field.name, field.attname} & named for name in (field.name, field.attname)}


def _has_own_rules(model: Type[AnomalyFields]) -> bool:
    return has_own_mapping(model) or model.should_ingest is not AnomalyFields.should_ingest
