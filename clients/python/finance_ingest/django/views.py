"""A view with which a page learns the states of its pending transactions."""

from __future__ import annotations

from typing import Any, Optional, Type

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.views import View

from .models import AnomalyFields
from .templatetags.finance_ingest import describe

MOST_ROWS = 200


class AnomalyStatusView(View):
    """
    ``GET ?id=1&id=2`` returns the states of these rows. Only the project's own database is read, so a page may ask often.

    Set ``model``; a user then sees the rows whose ``user`` is that user. Override ``get_queryset`` for another rule.
    """

    model: Optional[Type[AnomalyFields]] = None
    http_method_names = ["get", "head", "options"]

    def get_queryset(self) -> "QuerySet[Any]":
        """Returns the rows that this request may see."""
        if self.model is None:
            raise ImproperlyConfigured("AnomalyStatusView needs a model, or its own get_queryset.")
        return self.model._default_manager.filter(user=self.request.user)

    def get(self, request: HttpRequest) -> JsonResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"error": "Log in first."}, status=403)
        ids = request.GET.getlist("id")
        if len(ids) > MOST_ROWS:
            return JsonResponse({"error": f"At most {MOST_ROWS} ids."}, status=400)
        try:
            rows = [describe(row) for row in self.get_queryset().filter(pk__in=ids)]
        except (ValueError, ValidationError):
            return JsonResponse({"error": "An id is malformed."}, status=400)
        return JsonResponse({"rows": rows})
