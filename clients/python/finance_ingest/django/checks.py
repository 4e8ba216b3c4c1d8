"""The system checks. The setting and the models are always checked; the service is checked with ``--deploy``, and in development."""

from __future__ import annotations

import difflib
import re
from typing import Any, Iterator, List, Optional, Sequence, Type

from django.conf import settings as project_settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models
from django.db.models.manager import BaseManager

from ..errors import AccessRefused, FinanceIngestError
from .mapping import field_of
from .models import AnomalyFields, deleted_field_of, explained_columns, has_own_mapping, models_in, owner_of
from .settings import read_settings, request_client

_NAMES = ("ingest_user_field", "ingest_category_field", "ingest_amount_field", "ingest_time_field", "ingest_deleted_field")
_COLUMNS = ("is_anomaly", "z_score", "anomaly_status", "ingest_id", "ingest_key")


@checks.register("finance_ingest")
def check_settings(**_: Any) -> List[checks.CheckMessage]:
    """Checks the setting FINANCE_INGEST, and that each model has what the mixin submits."""
    found: List[checks.CheckMessage] = []
    try:
        read_settings()
        request_client()
    except ImproperlyConfigured as error:
        found.append(checks.Error(str(error), id="finance_ingest.E001"))
    for model in _all_models():
        found += _check_model(model)
    return found


@checks.register(checks.Tags.database)
def check_columns(databases: Optional[Sequence[str]] = None, **_: Any) -> List[checks.CheckMessage]:
    """Checks, with ``check --database``, that the tables have the mixin's columns. It is a warning, because ``migrate`` runs it too."""
    found: List[checks.CheckMessage] = []
    for using in databases or []:
        connection = connections[using]
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor, include_views=True))
            for model in models_in(using):
                table = model._meta.db_table
                if table not in tables:
                    continue
                present = {column.name.lower() for column in connection.introspection.get_table_description(cursor, table)}
                missing = [name for name in (*_COLUMNS, *explained_columns(model)) if name not in present]
                if missing:
                    hint = (
                        "Run makemigrations and migrate."
                        if model._meta.managed
                        else "Django does not manage this table: add the columns to it, as the README of finance-ingest describes them."
                    )
                    message = f"The table {table} does not have the columns {', '.join(missing)}."
                    found.append(checks.Warning(message, hint=hint, obj=model, id="finance_ingest.W002"))
    return found


@checks.register("finance_ingest")
def check_service(**_: Any) -> List[checks.CheckMessage]:
    """Checks the service in development only, so that commands don't depend on it elsewhere."""
    return _ask_service() if project_settings.DEBUG else []


@checks.register("finance_ingest", deploy=True)
def check_service_for_deployment(**_: Any) -> List[checks.CheckMessage]:
    """Checks the service for ``check --deploy``."""
    return [] if project_settings.DEBUG else _ask_service()


def _all_models() -> List[Type[AnomalyFields]]:
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, AnomalyFields)]


def _check_model(model: Type[AnomalyFields]) -> Iterator[checks.CheckMessage]:
    yield from _check_names(model)
    if not has_own_mapping(model):
        yield from _check_mapping(model)
    if model._meta.proxy:
        concrete: Any = model._meta.concrete_model
        differing = [name for name in (*_NAMES, "to_ingest", "should_ingest") if getattr(model, name) != getattr(concrete, name)]
        if differing:
            message = f"{model.__name__} is a proxy of {concrete.__name__} and has another {', '.join(differing)}, which is not used."
            hint = f"What a row means to the service is the same through all proxies: say it in {concrete.__name__}."
            yield checks.Error(message, hint=hint, obj=model, id="finance_ingest.E006")
    elif owner_of(model) is model:
        yield from _check_hidden_rows(model)
        if type(model._meta.pk).__name__ == "CompositePrimaryKey":
            yield checks.Error(f"{model.__name__} has a composite primary key, by which the outbox can't name its rows.", obj=model, id="finance_ingest.E007")


def _check_names(model: Type[AnomalyFields]) -> Iterator[checks.CheckMessage]:
    columns = {field.name for field in model._meta.get_fields()} | {field.attname for field in model._meta.concrete_fields}
    for name in sorted({name for kind in model.__mro__ for name in vars(kind) if re.fullmatch(r"ingest_\w+_field", name)} - set(_NAMES)):
        if name not in columns and isinstance(getattr(model, name), str):
            near = difflib.get_close_matches(name, _NAMES, 1)
            hint = f"Is it {near[0]}?" if near else f"There are {', '.join(_NAMES)}."
            yield checks.Error(f"{model.__name__}.{name} is no name that AnomalyFields knows.", hint=hint, obj=model, id="finance_ingest.E004")
    deleted = model.ingest_deleted_field
    if deleted is not None and field_of(model, deleted) is None:
        hint = _hint(model, deleted) or "Name the column that says of a row that it is deleted."
        yield checks.Error(f"{model.__name__} has no column {deleted!r} for ingest_deleted_field.", hint=hint, obj=model, id="finance_ingest.E002")


def _check_mapping(model: Type[AnomalyFields]) -> Iterator[checks.CheckMessage]:
    for setting in _NAMES[:4]:
        name = getattr(model, setting)
        field = field_of(model, name)
        if field is None:
            # A model without the usual column of a time is submitted with the time of the submission.
            if not hasattr(model, name) and not (setting == "ingest_time_field" and name == AnomalyFields.ingest_time_field):
                hint = f"{_hint(model, name)} Name the right one in {setting}, or override to_ingest.".strip()
                yield checks.Error(f"{model.__name__} has no column {name!r}.", hint=hint, obj=model, id="finance_ingest.E002")
            continue
        kind = field.target_field if field.is_relation else field
        if setting in _NAMES[:2] and isinstance(kind, models.UUIDField):
            hint = "Override to_ingest and map it, for example with finance_ingest.django.mapping.number_for."
            yield checks.Error(f"{model.__name__}.{name} is a UUID, and the service takes whole numbers only.", hint=hint, obj=model, id="finance_ingest.E005")
        elif setting == "ingest_amount_field" and (field.is_relation or isinstance(kind, (models.BooleanField, models.DateField, models.UUIDField))):
            hint = "Name the column with the amount in ingest_amount_field, or override to_ingest."
            yield checks.Error(f"{model.__name__}.{name} can't hold an amount.", hint=hint, obj=model, id="finance_ingest.E005")
        elif setting == "ingest_time_field" and (field.is_relation or not isinstance(kind, (models.DateField, models.CharField, models.TextField))):
            hint = "Name a column with a date or time in ingest_time_field, or override to_ingest."
            yield checks.Error(f"{model.__name__}.{name} can't hold a time.", hint=hint, obj=model, id="finance_ingest.E005")


def _check_hidden_rows(model: Type[AnomalyFields]) -> Iterator[checks.CheckMessage]:
    hides = type(model._default_manager).get_queryset is not BaseManager.get_queryset
    if hides and deleted_field_of(model) is None and model.should_ingest is AnomalyFields.should_ingest:
        hint = (
            "If rows that it hides are deleted ones, name the column that says so in ingest_deleted_field, or override should_ingest. "
            "Otherwise silence this message in SILENCED_SYSTEM_CHECKS."
        )
        message = f"The default manager of {model.__name__} may hide rows, which are submitted all the same."
        yield checks.Warning(message, hint=hint, obj=model, id="finance_ingest.W003")


def _hint(model: Type[AnomalyFields], name: str) -> str:
    columns = [field.attname for field in model._meta.concrete_fields] + [field.name for field in model._meta.concrete_fields]
    near = difflib.get_close_matches(name, columns, 1)
    return f"Is it {near[0]!r}?" if near else ""


def _ask_service() -> List[checks.CheckMessage]:
    try:
        request_client().check()
    except ImproperlyConfigured:
        return []  # check_settings reports it.
    except AccessRefused as error:
        hint = "FINANCE_INGEST['KEY'] needs the scopes submit and read."
        return [checks.Error(f"FinanceIngest refuses the key: {error}", hint=hint, id="finance_ingest.E003")]
    except FinanceIngestError as error:
        return [checks.Warning(f"FinanceIngest is not available: {error}", hint="Transactions wait in the outbox until it is.", id="finance_ingest.W001")]
    return []
