"""Columns that the service's answers fill. ``save()`` never changes them in a row that exists."""

from __future__ import annotations

import uuid
from typing import Any, List, Tuple

from django.db import models


class _FilledByService(models.Field):
    """
    Somebody who loaded a row while it was pending, and saves it after the answer came, must not put ``pending`` back. So an update by
    ``save()`` writes the column's own value, whatever the instance has; ``QuerySet.update`` writes as ever.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("editable", False)
        super().__init__(*args, **options)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return super().pre_save(model_instance, add) if add else models.F(self.attname)

    def deconstruct(self) -> Tuple[str, str, List[Any], Any]:
        # Migrations of the project name Django's own field: the column is the same.
        name, _, args, options = super().deconstruct()
        plain = next(kind for kind in type(self).__mro__ if kind.__module__.startswith("django.db.models"))
        return name, f"django.db.models.{plain.__name__}", args, options


class ServiceBooleanField(_FilledByService, models.BooleanField):
    """A yes or no of the service."""


class ServiceCharField(_FilledByService, models.CharField):
    """A word of the service."""


class ServiceFloatField(_FilledByService, models.FloatField):
    """A number of the service."""


class ServiceUUIDField(_FilledByService, models.UUIDField):
    """An id of the service."""


class SubmissionKeyField(ServiceUUIDField):
    """What a row is known by when it is submitted. Made with the row; null in rows that were there before the column."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # Not a default: adding the column to a table would give all its rows the same one.
        if add and getattr(model_instance, self.attname) is None:
            setattr(model_instance, self.attname, uuid.uuid4())
        return super().pre_save(model_instance, add)
