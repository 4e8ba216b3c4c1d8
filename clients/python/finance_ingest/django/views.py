"""Views with which a page learns the states of its pending transactions, and a user reads notifications."""

from __future__ import annotations

from typing import Any, ClassVar, List, Optional, Type

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import ListView

from . import notifications
from .mapping import field_of
from .models import AnomalyFields
from .templatetags.finance_ingest import describe

MOST_ROWS = 200


class AnomalyStatusView(View):
    """
    ``GET ?id=1&id=2`` returns the states of these rows. Only the project's own database is read, so a page may ask often.

    Set ``model``; a user then sees the rows whose ``ingest_user_field`` is that user, of those that the model's default manager shows. Override
    ``get_queryset`` for another rule.
    """

    model: Optional[Type[AnomalyFields]] = None
    http_method_names: ClassVar[List[str]] = ["get", "head", "options"]

    def get_queryset(self) -> "QuerySet[Any]":
        """Returns the rows that this request may see."""
        if self.model is None:
            raise ImproperlyConfigured("AnomalyStatusView needs a model, or its own get_queryset.")
        name = self.model.ingest_user_field
        if field_of(self.model, name) is None:
            raise ImproperlyConfigured(f"{self.model.__name__} has no column {name!r}, so AnomalyStatusView needs its own get_queryset.")
        user: Any = self.request.user
        return self.model._default_manager.filter(**{name: user.pk})

    def get(self, request: HttpRequest) -> JsonResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"error": _("Log in first.")}, status=403)
        ids = request.GET.getlist("id")
        if len(ids) > MOST_ROWS:
            return JsonResponse({"error": _("At most %(count)d ids.") % {"count": MOST_ROWS}}, status=400)
        try:
            rows = [describe(row) for row in self.get_queryset().filter(pk__in=ids)]
        except (ValueError, OverflowError, ValidationError, DataError):
            return JsonResponse({"error": _("An id is malformed.")}, status=400)
        return JsonResponse({"rows": rows})


class NotificationsView(LoginRequiredMixin, ListView):
    """
    The page of a user's notifications: ``GET`` shows them, ``POST`` marks one (``id``) or all (``all``) as read. Override
    ``finance_ingest/notifications.html`` for another look.
    """

    template_name = "finance_ingest/notifications.html"
    context_object_name = "notifications"
    paginate_by = 50
    http_method_names: ClassVar[List[str]] = ["get", "head", "post", "options"]

    def get_queryset(self) -> "QuerySet[Any]":
        found: "QuerySet[Any]" = notifications.of(self.request.user)
        return found

    def post(self, request: HttpRequest) -> HttpResponse:
        unread = notifications.of(request.user).filter(read_at=None)
        if "all" not in request.POST:
            ids = request.POST.getlist("id")
            if len(ids) > MOST_ROWS or not all(text.isascii() and text.isdigit() and len(text) < 19 for text in ids):
                return JsonResponse({"error": _("An id is malformed.")}, status=400)
            unread = unread.filter(pk__in=ids)
        unread.update(read_at=now())
        return redirect(request.path)


class NotificationCountView(View):
    """``GET`` returns ``{"unread": n}`` for the user, for a bell that is kept up to date. Only the project's own database is read."""

    http_method_names: ClassVar[List[str]] = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> JsonResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"error": _("Log in first.")}, status=403)
        return JsonResponse({"unread": notifications.unread_count(request.user)})
