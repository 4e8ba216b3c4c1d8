"""Fields that the service's answers fill. ``save()`` never changes them in an existing row."""

from __future__ import annotations

import uuid
from typing import Any, List, Tuple

from django.db import models


class _FilledByService(models.Field):
    """
    Code that loaded a row while it was pending, and saves it after the answer came, must not write ``pending`` back. So an update by ``save()``
    writes the column's own value, whatever the instance has; ``QuerySet.update`` is not affected.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("editable", False)
        super().__init__(*args, **options)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return super().pre_save(model_instance, add) if add else models.F(self.attname)

    def deconstruct(self) -> Tuple[str, str, List[Any], Any]:
        # Migrations of the project name Django's own field, because the column is the same.
        name, _, args, options = super().deconstruct()
        plain = next(kind for kind in type(self).__mro__ if kind.__module__.startswith("django.db.models"))
        return name, f"django.db.models.{plain.__name__}", args, options


class ServiceBooleanField(_FilledByService, models.BooleanField):
    """A boolean of the service."""


class ServiceCharField(_FilledByService, models.CharField):
    """A text of the service."""


class ServiceFloatField(_FilledByService, models.FloatField):
    """A number of the service."""


class ServiceUUIDField(_FilledByService, models.UUIDField):
    """An id of the service."""


class SubmissionKeyField(ServiceUUIDField):
    """The idempotency key of a row, made together with the row. It is null in rows that are older than the column."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # The value is no default of the field, because a migration that adds the column would give all rows the same value.
        if add and getattr(model_instance, self.attname) is None:
            setattr(model_instance, self.attname, uuid.uuid4())
        return super().pre_save(model_instance, add)
