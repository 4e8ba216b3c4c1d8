"""A view with which a page learns the states of its pending transactions."""

from __future__ import annotations

from typing import Any, ClassVar, List, Optional, Type

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views import View

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
