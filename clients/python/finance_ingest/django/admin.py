"""The admin of anomalies and of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from .models import AnomalyNotification, AnomalyStatus, OutboxEntry, explained_columns, model_of, owner_of
from .outbox import Submission, submit
from .rows import read
from .templatetags.finance_ingest import anomaly_explanation, anomaly_status

_COLUMNS = ("anomaly_status", "is_anomaly", "z_score", "ingest_id")
_MOST_REASONS = 5


class AnomalyFilter(admin.SimpleListFilter):
    """Filters transactions by their anomaly status."""

    title = gettext_lazy("anomaly")
    parameter_name = "anomaly"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> List[Tuple[str, Any]]:
        return [(status.value or "none", status.label) for status in AnomalyStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value: Optional[str] = self.value()
        return queryset if value is None else queryset.filter(anomaly_status="" if value == "none" else value)


_ModelAdmin: Any = admin.ModelAdmin if TYPE_CHECKING else object


class AnomalyAdminMixin(_ModelAdmin):
    """
    Adds a column and a filter for anomalies, makes the service's columns read-only, and adds the actions "submit" and "score again" for users who may
    change the rows. Inherit from it before ModelAdmin.
    """

    def get_list_display(self, request: HttpRequest) -> List[Any]:
        return [*super().get_list_display(request), "anomaly"]

    def get_list_filter(self, request: HttpRequest) -> List[Any]:
        return [*super().get_list_filter(request), AnomalyFilter]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> List[Any]:
        return [*super().get_readonly_fields(request, obj), *_COLUMNS, *explained_columns(self.model)]

    def get_actions(self, request: HttpRequest) -> Dict[str, Any]:
        actions: Dict[str, Any] = dict(super().get_actions(request))
        if self.actions is None or IS_POPUP_VAR in request.GET or not self.has_change_permission(request):
            return actions
        actions["ingest_submit"] = (_submit_chosen, "ingest_submit", gettext_lazy("Submit to FinanceIngest what is new or changed"))
        actions["ingest_score_again"] = (_score_chosen_again, "ingest_score_again", gettext_lazy("Score again"))
        return actions

    @admin.display(description=gettext_lazy("anomaly"), ordering="z_score")
    def anomaly(self, row: Any) -> str:
        """The column: the badge, and below it the sentence of a model with ExplainedAnomalyFields."""
        badge = anomaly_status(row)
        return format_html("{} {}", badge, anomaly_explanation(row)) if explained_columns(self.model) else badge

    class Media:
        css = {"all": ["finance_ingest/status.css"]}


def _submit_chosen(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
    _submit(model_admin, request, queryset, again=False)


def _score_chosen_again(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
    _submit(model_admin, request, queryset, again=True)


def _submit(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Any]", *, again: bool) -> None:
    _report(model_admin, request, submit(list(queryset), again=again))


def _report(model_admin: Any, request: HttpRequest, done: Submission) -> None:
    counted = (
        (done.submitted, ngettext("%d row was submitted.", "%d rows were submitted.", done.submitted)),
        (done.unchanged, ngettext("%d row was submitted before, as it is.", "%d rows were submitted before, as they are.", done.unchanged)),
        (
            done.withdrawn + done.left_out,
            ngettext("%d row does not belong to the service.", "%d rows do not belong to the service.", done.withdrawn + done.left_out),
        ),
    )
    text = " ".join(message % number for number, message in counted if number)
    if text:
        model_admin.message_user(request, text)
    for row, reason in list(done.refused.items())[:_MOST_REASONS]:
        model_admin.message_user(request, _("%(row)s can't be submitted: %(reason)s.") % {"row": row, "reason": reason}, messages.ERROR)
    more = len(done.refused) - _MOST_REASONS
    if more > 0:
        text = ngettext("%d more row can't be submitted; the outbox says why.", "%d more rows can't be submitted; the outbox says why.", more) % more
        model_admin.message_user(request, text, messages.ERROR)


@admin.register(AnomalyNotification)
class AnomalyNotificationAdmin(admin.ModelAdmin):
    """Shows what people were told inside of the site, and whether they have read it. Nobody writes such texts by hand."""

    list_display = ["title", "user_id", "created_at", "read_at"]
    list_filter = [("read_at", admin.EmptyFieldListFilter)]
    search_fields = ["=user_id", "title", "text"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-pk"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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

    @admin.action(description=gettext_lazy("Submit again with the present values of the rows"))
    def submit_again(self, request: HttpRequest, queryset: "QuerySet[OutboxEntry]") -> None:
        """Submits refused entries again, after their rows were mended."""
        done = Submission()
        for entry in queryset.exclude(state=OutboxEntry.SUBMITTED):
            model = model_of(entry.row_model)
            rows = [] if model is None else list(read(owner_of(model), queryset.db, [entry.row_pk]).values())
            if not rows:
                self.message_user(request, _("%(row)s is gone.") % {"row": entry}, messages.WARNING)
            done.add(submit(rows))
        _report(self, request, done)

    def get_actions(self, request: HttpRequest) -> Dict[str, Any]:
        actions: Dict[str, Any] = super().get_actions(request)
        if not request.user.has_perm("finance_ingest.change_outboxentry"):
            actions.pop("submit_again", None)
        return actions
