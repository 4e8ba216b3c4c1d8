"""A view that a page asks whether its pending transactions are still pending."""

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
    ``GET ?id=1&id=2`` answers with the states of these rows, out of the project's own database: a page may ask often.

    Give ``model``; a user then sees the rows whose ``user`` he is. Override ``get_queryset`` for another rule.
    """

    model: Optional[Type[AnomalyFields]] = None
    http_method_names = ["get", "head", "options"]

    def get_queryset(self) -> "QuerySet[Any]":
        """The rows that this request may see."""
        if self.model is None:
            raise ImproperlyConfigured("AnomalyStatusView wants a model, or its own get_queryset.")
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
            return JsonResponse({"error": "An id is none."}, status=400)
        return JsonResponse({"rows": rows})
