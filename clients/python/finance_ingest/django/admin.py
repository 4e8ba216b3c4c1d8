"""The admin of anomalies and of the outbox."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from ..errors import InvalidTransaction
from .models import AnomalyStatus, OutboxEntry, model_of
from .outbox import submit_on_commit
from .templatetags.finance_ingest import anomaly_status

_COLUMNS = ("anomaly_status", "is_anomaly", "z_score", "ingest_id")


class AnomalyFilter(admin.SimpleListFilter):
    """Filters transactions by their anomaly status."""

    title = "anomaly"
    parameter_name = "anomaly"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> List[Tuple[str, str]]:
        return [(status.value or "none", status.label) for status in AnomalyStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value: Optional[str] = self.value()
        return queryset if value is None else queryset.filter(anomaly_status="" if value == "none" else value)


class AnomalyAdminMixin:
    """Adds a column and a filter for anomalies, and makes the service's columns read-only. Inherit from it before ModelAdmin."""

    def get_list_display(self, request: HttpRequest) -> List[Any]:
        return [*super().get_list_display(request), "anomaly"]

    def get_list_filter(self, request: HttpRequest) -> List[Any]:
        return [*super().get_list_filter(request), AnomalyFilter]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> List[Any]:
        return [*super().get_readonly_fields(request, obj), *_COLUMNS]

    @admin.display(description="anomaly", ordering="z_score")
    def anomaly(self, row: Any) -> str:
        """The column."""
        return anomaly_status(row)

    class Media:
        css = {"all": ["finance_ingest/status.css"]}


@admin.register(OutboxEntry)
class OutboxEntryAdmin(admin.ModelAdmin):
    """Shows submissions that the service has not accepted yet, and why."""

    list_display = ["__str__", "state", "created_at", "attempts", "last_error"]
    list_filter = ["state"]
    search_fields = ["row_pk", "last_error"]
    actions = ["submit_again"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Submit again with the present values of the rows")
    def submit_again(self, request: HttpRequest, queryset: "QuerySet[OutboxEntry]") -> None:
        """Submits refused entries again, after their rows were mended."""
        done = 0
        for entry in queryset.exclude(state=OutboxEntry.SUBMITTED):
            model = model_of(entry.row_model)
            try:
                with transaction.atomic(using=queryset.db):
                    row = None if model is None else model._base_manager.using(queryset.db).filter(pk=entry.row_pk).first()
                    if row is None:
                        self.message_user(request, f"{entry} is gone.", messages.WARNING)
                    else:
                        submit_on_commit(row)
                        done += 1
            except InvalidTransaction as error:
                self.message_user(request, f"{entry}: {error}.", messages.ERROR)
        self.message_user(request, f"{done} submitted again.")

    def get_actions(self, request: HttpRequest) -> Dict[str, Any]:
        actions: Dict[str, Any] = super().get_actions(request)
        if not request.user.has_perm("finance_ingest.change_outboxentry"):
            actions.pop("submit_again", None)
        return actions
