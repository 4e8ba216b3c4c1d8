"""The system checks. The setting is always checked; the service is checked with ``--deploy``, and in development."""

from __future__ import annotations

from typing import Any, List

from django.conf import settings as project_settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from ..errors import AccessRefused, FinanceIngestError
from .models import anomaly_models
from .settings import read_settings, request_client


@checks.register("finance_ingest")
def check_settings(**_: Any) -> List[checks.CheckMessage]:
    """Checks the setting FINANCE_INGEST, and that each model has the columns that the mixin submits."""
    found: List[checks.CheckMessage] = []
    try:
        read_settings()
        request_client()
    except ImproperlyConfigured as error:
        found.append(checks.Error(str(error), id="finance_ingest.E001"))
    for model in anomaly_models():
        for name in (model.ingest_user_field, model.ingest_category_field, model.ingest_amount_field):
            columns = {field.name for field in model._meta.concrete_fields} | {field.attname for field in model._meta.concrete_fields}
            if name not in columns and model.to_ingest.__module__ == __package__ + ".models":
                found.append(
                    checks.Error(
                        f"{model.__name__} has no column {name!r}.",
                        hint="Name the right one in ingest_user_field, ingest_category_field or ingest_amount_field, or override to_ingest.",
                        obj=model,
                        id="finance_ingest.E002",
                    )
                )
    return found


@checks.register("finance_ingest")
def check_service(**_: Any) -> List[checks.CheckMessage]:
    """Checks the service in development only, so that commands don't depend on it elsewhere."""
    return _ask_service() if project_settings.DEBUG else []


@checks.register("finance_ingest", deploy=True)
def check_service_for_deployment(**_: Any) -> List[checks.CheckMessage]:
    """Checks the service for ``check --deploy``."""
    return [] if project_settings.DEBUG else _ask_service()


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
