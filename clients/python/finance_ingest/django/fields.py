"""Fields that the service's answers fill. ``save()`` never changes them in an existing row."""

from __future__ import annotations

from typing import Any, List, Tuple

from django.db import models

from ..keys import uuid7

_FIRST_CHOICES = [
    ("", "not submitted"),
    ("pending", "pending"),
    ("normal", "normal"),
    ("anomalous", "anomalous"),
    ("unscored", "no baseline"),
    ("failed", "failed"),
    ("refused", "refused"),
]


class _FilledByService(models.Field):  # type: ignore[type-arg]
    """
    Code that loaded a row while it was pending, and saves it after the answer came, must not write ``pending`` back. So an update by ``save()``
    writes the column's own value, whatever the instance has; ``QuerySet.update`` is not affected.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("editable", False)
        super().__init__(*args, **options)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not add:
            return models.F(self.attname)
        if is_copy(model_instance):
            # ``row.pk = None; row.save()`` makes another transaction, of which the service knows nothing yet.
            setattr(model_instance, self.attname, self.get_default())
        return super().pre_save(model_instance, add)

    def deconstruct(self) -> Tuple[str, str, List[Any], Any]:
        # Migrations of the project name Django's own field, because the column is the same. What is no part of the column stays as 0.1.0 had it, so that
        # a new version of this package asks no project for a migration.
        name, _, args, options = super().deconstruct()
        options.pop("verbose_name", None)
        if "choices" in options:
            options["choices"] = list(_FIRST_CHOICES)
        plain = next(kind for kind in type(self).__mro__ if kind.__module__.startswith("django.db.models"))
        return name, f"django.db.models.{plain.__name__}", args, options


class ServiceBooleanField(_FilledByService, models.BooleanField):
    """A boolean of the service."""


class ServiceCharField(_FilledByService, models.CharField):
    """A text of the service."""


class ServiceFloatField(_FilledByService, models.FloatField):
    """A number of the service."""


class ServiceBigIntegerField(_FilledByService, models.BigIntegerField):
    """A whole number of the service."""


class ServiceTextField(_FilledByService, models.TextField):
    """A sentence of the service."""


class ServiceUUIDField(_FilledByService, models.UUIDField):
    """An id of the service."""


class SubmissionKeyField(ServiceUUIDField):
    """The idempotency key of a row, made together with the row. It is null in rows that are older than the column."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # The value is no default of the field, because a migration that adds the column would give all rows the same value.
        if add and (getattr(model_instance, self.attname) is None or is_copy(model_instance)):
            setattr(model_instance, self.attname, uuid7())
            return getattr(model_instance, self.attname)
        return super().pre_save(model_instance, add)


def is_filled_by_service(field: Any) -> bool:
    """Whether a field is one that the service's answers fill."""
    return isinstance(field, _FilledByService)


SAVED_AS = "_ingest_saved_as"
"""The attribute of an instance that has the primary key with which its row was loaded or saved."""


def is_copy(instance: models.Model) -> bool:
    """Whether an instance that is about to be inserted was loaded or saved with another primary key, and so is a copy of that row."""
    known = getattr(instance, SAVED_AS, None)
    return known is not None and known != instance.pk
