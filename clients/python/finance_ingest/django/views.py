"""Views with which a page learns the states of its pending transactions, and a user reads notifications."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, List, Optional, Type, cast

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import ListView

from ..errors import FinanceIngestError
from . import notifications
from .mapping import field_of
from .models import AnomalyFields
from .preferences import PreferencesForm
from .templatetags.finance_ingest import describe, label_of

MOST_ROWS = 200

log = logging.getLogger("finance_ingest")


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


class PreferencesView(LoginRequiredMixin, View):
    """
    The page on which a user says of what he wants to be told, and by which channels: it shows and writes what the service has, with a key of the scopes
    ``read`` and ``manage``. Override ``finance_ingest/preferences.html`` for another look, and ``mail_of`` where the account's address is elsewhere.
    """

    template_name = "finance_ingest/preferences.html"
    http_method_names: ClassVar[List[str]] = ["get", "head", "post", "options"]

    def mail_of(self, user: Any) -> str:
        """The address to which mails may go; empty: to none. Only an address that is known to be the user's own belongs here."""
        return str(getattr(user, "email", "") or "")

    def get(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request)
        return self._show(request, form, is_saved="saved" in request.GET)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request, request.POST)
        if form is not None and form.is_valid() and form.save():
            return redirect(request.path + "?saved=1")
        return self._show(request, form)

    def _form(self, request: HttpRequest, data: Any = None) -> Optional[PreferencesForm]:
        try:
            return PreferencesForm(cast(Any, request.user).pk, self.mail_of(request.user), data)
        except FinanceIngestError as error:
            log.warning("The settings of a user can't be read: %s", error)
            return None

    def _show(self, request: HttpRequest, form: Optional[PreferencesForm], *, is_saved: bool = False) -> HttpResponse:
        status = 503 if form is None else 200
        return render(request, self.template_name, {"form": form, "is_down": form is None, "is_saved": is_saved}, status=status)


class NotificationCountView(View):
    """``GET`` returns ``{"unread": n, "label": "…"}`` for the user, for a bell that is kept up to date. Only the project's own database is read."""

    http_method_names: ClassVar[List[str]] = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> JsonResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"error": _("Log in first.")}, status=403)
        unread = notifications.unread_count(request.user)
        return JsonResponse({"unread": unread, "label": label_of(unread)})
