"""The mixin for a project's transactions, and the tables of the outbox and the feed's cursor."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional, Sequence, Tuple, Type

from django.apps import apps
from django.db import models, router, transaction
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from ..transactions import Transaction
from .fields import (
    SAVED_AS,
    ServiceBigIntegerField,
    ServiceBooleanField,
    ServiceCharField,
    ServiceFloatField,
    ServiceTextField,
    ServiceUUIDField,
    SubmissionKeyField,
    is_filled_by_service,
)
from .settings import further_databases

SOFT_DELETION_FIELDS = (
    "deleted",
    "deleted_at",
    "deleted_on",
    "deleted_date",
    "date_deleted",
    "is_deleted",
    "is_removed",
    "removed",
    "removed_at",
    "is_soft_deleted",
    "soft_deleted",
    "soft_deleted_at",
)
"""The names of columns that, with any value but NULL, false and 0, say that a row is deleted; unless the model names its own in ``ingest_deleted_field``."""


class AnomalyStatus(models.TextChoices):
    """The anomaly status of a transaction."""

    NOT_SUBMITTED = "", _("not submitted")
    PENDING = "pending", _("pending")
    NORMAL = "normal", _("normal")
    ANOMALOUS = "anomalous", _("anomalous")
    UNSCORED = "unscored", _("no baseline")
    FAILED = "failed", _("failed")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


class AnomalyFields(models.Model):
    """
    The service's answer about a transaction. The app fills these columns; ``save()`` does not change them in an existing row.

    The columns ``user_id``, ``category_id``, ``amount`` and ``occurred_at`` (if there is one) of the model are submitted. Other column
    names are set by the attributes below; for anything else, override ``to_ingest``. ``manage.py check`` finds names that the model doesn't have.

    ``save()`` submits the row when its database transaction commits, and submits it anew when one of these values has changed.
    """

    ingest_user_field: ClassVar[str] = "user_id"
    ingest_category_field: ClassVar[str] = "category_id"
    ingest_amount_field: ClassVar[str] = "amount"
    ingest_time_field: ClassVar[str] = "occurred_at"

    ingest_deleted_field: ClassVar[Optional[str]] = None
    """The column that says of a row that it is deleted, for a model that keeps its deleted rows. None finds a column with one of the usual names."""

    ingest_on_save: ClassVar[bool] = True
    """Whether ``save()`` submits; otherwise only ``submit_on_commit`` and ``submit_missing`` do."""

    ingest_select_related: ClassVar[Sequence[str]] = ()
    """The relations that an overridden ``to_ingest`` follows, so that many rows are read by one query."""

    is_anomaly = ServiceBooleanField(_("is anomaly"), default=False)
    z_score = ServiceFloatField(_("z-score"), null=True, blank=True)
    anomaly_status = ServiceCharField(
        _("anomaly status"), max_length=9, choices=AnomalyStatus.choices, default=AnomalyStatus.NOT_SUBMITTED, blank=True, db_index=True
    )
    ingest_id = ServiceUUIDField(_("id at the service"), null=True, blank=True, unique=True)
    ingest_key = SubmissionKeyField(_("idempotency key"), null=True, blank=True, unique=True)

    class Meta:
        abstract = True

    def to_ingest(self) -> Transaction:
        """
        Returns the transaction that is submitted. Without a time, the time of the submission counts.

        It is called with the row as the database has it. Whatever it raises becomes the reason for which the row is ``refused``.
        """
        from .mapping import transaction_of

        return transaction_of(self)

    def should_ingest(self) -> bool:
        """
        Returns whether the row belongs to the service. A row that does not, any more, is ``withdrawn``, and is part of no baseline.

        Unless it is overridden, all rows belong to it except those that are deleted according to ``ingest_deleted_field``.
        """
        name = deleted_field_of(type(self))
        return name is None or not getattr(self, name)

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any) -> Any:
        instance = super().from_db(db, field_names, values)
        setattr(instance, SAVED_AS, instance.pk)
        return instance

    def save_base(self, raw: bool = False, force_insert: Any = False, force_update: bool = False, using: Any = None, update_fields: Any = None) -> None:
        """Saves the row together with its outbox entry. Fixtures (``raw``) are not submitted."""
        from . import saving

        using = using or router.db_for_write(type(self), instance=self)
        options = {"raw": raw, "force_insert": force_insert, "force_update": force_update, "using": using, "update_fields": update_fields}
        if raw or not saving.submits(self, using, update_fields):
            super().save_base(**options)
            saving.remember(self)
            return
        with transaction.atomic(using=using, savepoint=False):
            saving.before_save(self, using)
            super().save_base(**options)
            saving.after_save(self, using)


class ExplainedAnomalyFields(AnomalyFields):
    """
    AnomalyFields and six more columns: what the score was measured by, and why. A model whose rows a page explains inherits from this instead. A column that
    is not wanted is left out with ``baseline_count = None`` in the model.

    ``baseline_mean`` and ``baseline_std_dev`` are in the unit of the amount; ``baseline_count`` is the number of amounts behind them. ``anomaly_reason`` is
    ``scored``, or why there is no score: ``no_baseline``, ``insufficient_samples``, ``zero_variance``. A detector that learns also fills ``anomaly_surprise``
    (0 … 1, 0.001 is once in a thousand) and ``anomaly_explanation``, a sentence in the language of the service. All are empty while a row has no answer.
    """

    baseline_mean = ServiceFloatField(_("mean"), null=True, blank=True)
    baseline_std_dev = ServiceFloatField(_("standard deviation"), null=True, blank=True)
    baseline_count = ServiceBigIntegerField(_("number of amounts"), null=True, blank=True)
    anomaly_reason = ServiceCharField(_("reason"), max_length=32, default="", blank=True)
    anomaly_surprise = ServiceFloatField(_("surprise"), null=True, blank=True)
    anomaly_explanation = ServiceTextField(_("explanation"), default="", blank=True)

    class Meta(AnomalyFields.Meta):
        abstract = True


EXPLAINED = ("baseline_mean", "baseline_std_dev", "baseline_count", "anomaly_reason", "anomaly_surprise", "anomaly_explanation")
"""The columns of ExplainedAnomalyFields."""


class OutboxEntry(models.Model):
    """
    A submission that was committed together with its row and is not confirmed yet.

    WAITING: the entry is to be submitted. SUBMITTED: the service accepted it and the row has its id. The result may have passed in the feed before
    the id was stored, so sync_anomalies asks for it once and then deletes the entry. REFUSED: the service will not accept the transaction as it is, or
    the row can't be submitted at all; then ``transaction`` is empty.
    """

    WAITING, SUBMITTED, REFUSED = "waiting", "submitted", "refused"
    STATES: ClassVar[List[Tuple[str, Any]]] = [(WAITING, _("waiting")), (SUBMITTED, _("submitted")), (REFUSED, _("refused"))]

    row_model = models.CharField(_("model"), max_length=100)
    row_pk = models.CharField(_("row"), max_length=255)
    ingest_key = models.UUIDField(_("idempotency key"), unique=True)
    transaction = models.TextField(_("transaction"), help_text=_("The JSON object that is submitted."))
    state = models.CharField(_("state"), max_length=9, choices=STATES, default=WAITING)
    created_at = models.DateTimeField(_("created at"), default=now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    claimed_by = models.UUIDField(_("claimed by"), null=True, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)

    class Meta:
        verbose_name = _("outbox entry")
        verbose_name_plural = _("outbox entries")
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


class AnomalyNotification(models.Model):
    """
    What a person is told inside of the site about an unusual transaction. The webhook makes one for each alert, and the sync makes those of anomalies
    whose webhook did not come.
    """

    user_id = models.BigIntegerField(_("user"), db_index=True)
    transaction_id = models.UUIDField(_("id at the service"), unique=True)
    alert_id = models.UUIDField(_("alert"), null=True, blank=True)
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"), blank=True)
    link = models.CharField(_("link"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), default=now)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [models.Index(fields=["user_id", "read_at"], name="finance_ingest_notify_unread")]

    def __str__(self) -> str:
        return self.title


class ReceivedWebhook(models.Model):
    """The id of a webhook that was acted on, so that its repetition changes nothing."""

    webhook_id = models.CharField(max_length=100, unique=True)
    received_at = models.DateTimeField(default=now, db_index=True)


class Erasure(models.Model):
    """A deleted user of whom the service has not heard yet that he shall be erased."""

    user_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=now)


def owner_of(model: Type[AnomalyFields]) -> Type[AnomalyFields]:
    """Returns the model whose table has the columns: the model itself, or the one of which it is a proxy or child."""
    owner: Any = model._meta.get_field("ingest_id").model
    return owner


def explained_columns(model: Type[AnomalyFields]) -> List[str]:
    """Returns those columns of ExplainedAnomalyFields that a model has. A project's own column of such a name is none of them, and is left alone."""
    filled = {field.name for field in model._meta.concrete_fields if is_filled_by_service(field)}
    return [name for name in EXPLAINED if name in filled]


def unexplained(model: Type[AnomalyFields]) -> Dict[str, Any]:
    """Returns the values of these columns in a row that has no answer."""
    return {name: model._meta.get_field(name).get_default() for name in explained_columns(model)}


def deleted_field_of(model: Type[AnomalyFields]) -> Optional[str]:
    """Returns the name of the column that says of a row that it is deleted; None for a model without one."""
    if model.ingest_deleted_field is not None:
        return model.ingest_deleted_field
    columns = {field.name for field in model._meta.concrete_fields}
    return next((name for name in SOFT_DELETION_FIELDS if name in columns), None)


def has_own_mapping(model: Type[AnomalyFields]) -> bool:
    """Whether the model overrides ``to_ingest``."""
    return model.to_ingest is not AnomalyFields.to_ingest


def anomaly_models() -> List[Type[AnomalyFields]]:
    """Returns the project's models that have the mixin's columns in a table of their own."""
    return [model for model in apps.get_models() if issubclass(model, AnomalyFields) and owner_of(model) is model]


def databases() -> List[str]:
    """Returns the aliases of the databases that hold such models. Each database has an outbox and a cursor of its own."""
    return sorted({*(router.db_for_write(model) for model in anomaly_models()), *further_databases()})


def models_in(using: str) -> List[Type[AnomalyFields]]:
    """Returns the models with the mixin that this database holds."""
    return [model for model in anomaly_models() if is_home_of(model, using)]


def is_home_of(model: Type[AnomalyFields], using: Optional[str]) -> bool:
    """Whether a database holds rows of this model together with their outbox."""
    owner = owner_of(model)
    return router.db_for_write(owner) == using or (using in further_databases() and bool(router.allow_migrate_model(using, owner)))


def model_of(label: str) -> Optional[Type[AnomalyFields]]:
    """Returns the model with the mixin that a label such as ``shop.purchase`` names; None when the project has none."""
    for model in apps.get_models():
        if model._meta.label_lower == label.lower():
            return model if issubclass(model, AnomalyFields) else None
    return None
