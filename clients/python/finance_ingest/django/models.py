"""The mixin for a project's transactions, and the tables of the outbox and the feed's cursor."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, List, Optional, Type

from django.apps import apps
from django.db import models, router
from django.utils.timezone import now

from ..transactions import Transaction
from .fields import ServiceBooleanField, ServiceCharField, ServiceFloatField, ServiceUUIDField, SubmissionKeyField


class AnomalyStatus(models.TextChoices):
    """The anomaly status of a transaction."""

    NOT_SUBMITTED = "", "not submitted"
    PENDING = "pending", "pending"
    NORMAL = "normal", "normal"
    ANOMALOUS = "anomalous", "anomalous"
    UNSCORED = "unscored", "no baseline"
    FAILED = "failed", "failed"
    REFUSED = "refused", "refused"


class AnomalyFields(models.Model):
    """
    The service's answer about a transaction. The app fills these columns; ``save()`` does not change them in an existing row.

    The columns ``user_id``, ``category_id``, ``amount`` and ``occurred_at`` (if there is one) of the model are submitted. Other column
    names are set by the four attributes below; for anything else, override ``to_ingest``.
    """

    ingest_user_field = "user_id"
    ingest_category_field = "category_id"
    ingest_amount_field = "amount"
    ingest_time_field = "occurred_at"

    is_anomaly = ServiceBooleanField(default=False)
    z_score = ServiceFloatField(null=True, blank=True)
    anomaly_status = ServiceCharField(max_length=9, choices=AnomalyStatus.choices, default=AnomalyStatus.NOT_SUBMITTED, blank=True, db_index=True)
    ingest_id = ServiceUUIDField(null=True, blank=True, unique=True)
    ingest_key = SubmissionKeyField(null=True, blank=True, unique=True)

    class Meta:
        abstract = True

    def to_ingest(self) -> Transaction:
        """Returns the transaction that is submitted. Without a time, the time of acceptance counts."""
        return Transaction(
            user_id=getattr(self, self.ingest_user_field),
            category_id=getattr(self, self.ingest_category_field),
            amount=self._exact_amount(),
            occurred_at=getattr(self, self.ingest_time_field, None) or datetime.now(timezone.utc),
        )

    def _exact_amount(self) -> Any:
        # The value is converted as the column would do it, because the instance may still have the text or float with which it was made.
        field = self._meta.get_field(self.ingest_amount_field)
        value = field.to_python(getattr(self, self.ingest_amount_field))
        if isinstance(value, (Decimal, float)):
            places = getattr(field, "decimal_places", None)
            return Decimal(repr(value) if isinstance(value, float) else value).quantize(Decimal(1).scaleb(-(4 if places is None else places)))
        return value


class OutboxEntry(models.Model):
    """
    A submission that was committed together with its row and is not confirmed yet.

    WAITING: the entry is to be submitted. SUBMITTED: the service accepted it and the row has its id. The result may have passed in the feed before
    the id was stored, so sync_anomalies asks for it once and then deletes the entry. REFUSED: the service will not accept the transaction as it is.
    """

    WAITING, SUBMITTED, REFUSED = "waiting", "submitted", "refused"

    row_model = models.CharField(max_length=100)
    row_pk = models.CharField(max_length=255)
    ingest_key = models.UUIDField(unique=True)
    transaction = models.TextField(help_text="The JSON object that is submitted.")
    state = models.CharField(max_length=9, choices=[(state, state) for state in (WAITING, SUBMITTED, REFUSED)], default=WAITING)
    created_at = models.DateTimeField(default=now)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    claimed_by = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "outbox entries"
        indexes = [
            models.Index(fields=["state", "id"], name="finance_ingest_outbox_state"),
            models.Index(fields=["claimed_by"], name="finance_ingest_outbox_claim"),
        ]

    def __str__(self) -> str:
        return f"{self.row_model} {self.row_pk}"


class FeedCursor(models.Model):
    """The cursor of the results feed; the table has one row."""

    THE_ONE = 1

    cursor = models.CharField(max_length=255, blank=True)
    moved_at = models.DateTimeField(default=now)


def owner_of(model: Type[AnomalyFields]) -> Type[AnomalyFields]:
    """Returns the model whose table has the columns: the model itself, or the one of which it is a proxy or child."""
    return model._meta.get_field("ingest_id").model


def anomaly_models() -> List[Type[AnomalyFields]]:
    """Returns the project's models that have the mixin."""
    return [model for model in apps.get_models() if issubclass(model, AnomalyFields) and owner_of(model) is model]


def databases() -> List[str]:
    """Returns the aliases of the databases that hold such models. Each database has an outbox and a cursor of its own."""
    return sorted({router.db_for_write(model) for model in anomaly_models()})


def models_in(using: str) -> List[Type[AnomalyFields]]:
    """Returns the models with the mixin that this database holds."""
    return [model for model in anomaly_models() if router.db_for_write(model) == using]


def model_of(label: str) -> Optional[Type[AnomalyFields]]:
    """Returns the model that an outbox entry names; None when the project no longer has it."""
    return next((model for model in anomaly_models() if model._meta.label_lower == label), None)
