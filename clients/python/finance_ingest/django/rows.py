"""Reads rows as the database has them, whatever the model's managers hide."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Type

from django.apps import apps
from django.db.models import QuerySet

from .models import AnomalyFields, owner_of


def plain(model: Type[Any], using: Any) -> "QuerySet[Any]":
    """Returns all rows of a model. A project's own managers may hide rows, those that are softly deleted for example."""
    return QuerySet(model=model, using=using)


def own_model(model: Type[Any]) -> Type[Any]:
    """Returns the model with a table of its own of which a model is a proxy. What a row means to the service is the same through all proxies."""
    concrete: Type[Any] = model._meta.concrete_model
    return concrete


def children_of(model: Type[Any]) -> List[Type[Any]]:
    """Returns the models that inherit the table of a model, the furthest descendants first."""
    found = [
        child
        for child in apps.get_models()
        if issubclass(child, model) and child is not model and not child._meta.proxy and owner_of(child) is owner_of(model)
    ]
    return sorted(found, key=lambda child: -len(child._meta.get_parent_list()))


def read(owner: Type[AnomalyFields], using: str, pks: Iterable[Any]) -> Dict[Any, AnomalyFields]:
    """
    Returns rows by the primary key in their owner's table, each as an instance of the most special of its models: a row of Payment that is a
    CardPayment is submitted as CardPayment says, also when it was saved as a Payment.
    """
    key = owner._meta.pk
    wanted = [key.to_python(pk) for pk in pks]
    found: Dict[Any, AnomalyFields] = {}
    for kind in [*children_of(owner), owner]:
        missing = [pk for pk in wanted if pk not in found]
        if missing:
            found.update((getattr(row, key.attname), row) for row in whole(kind, using).filter(**{f"{key.name}__in": missing}))
    return found


def whole(model: Type[AnomalyFields], using: str) -> "QuerySet[Any]":
    """Returns all rows of a model, with the relations that its ``to_ingest`` follows."""
    rows = plain(model, using)
    return rows.select_related(*model.ingest_select_related) if model.ingest_select_related else rows


def only_itself(model: Type[AnomalyFields], rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """Returns those rows of a model that are of none of the models that inherit its table."""
    key = model._meta.pk
    for child in children_of(model):
        rows = rows.exclude(**{f"{key.name}__in": plain(child, rows.db).values(key.name)})
    return rows
