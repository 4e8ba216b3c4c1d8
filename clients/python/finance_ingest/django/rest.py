"""Mixins for Django REST framework, which must be installed (3.14 is tried): ``pip install djangorestframework``."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Optional

from django.core.exceptions import ImproperlyConfigured
from django.utils.timezone import now
from django.utils.translation import gettext as _

try:
    from rest_framework import decorators, exceptions, permissions, response, serializers, status, viewsets
except ImportError as error:
    raise ImproperlyConfigured("finance_ingest.django.rest needs Django REST framework: pip install djangorestframework") from error

from ..commands import EXPECTED, UNEXPECTED
from ..errors import FinanceIngestError
from . import notifications
from .commands import give_feedback
from .fields import SubmissionKeyField, is_filled_by_service
from .models import AnomalyNotification, AnomalyStatus
from .templatetags.finance_ingest import describe


class AnomalySerializerMixin:
    """
    For a ModelSerializer of a model with AnomalyFields: inherit from it before ``ModelSerializer``. It adds ``anomaly``, an object with ``status``,
    ``is_anomaly``, ``z_score``, the status as ``text``, and ``explanation`` where there is one; and nobody can write what the service fills.
    """

    def get_fields(self) -> Dict[str, Any]:
        """The serializer's fields."""
        parent: Any = super()
        fields: Dict[str, Any] = parent.get_fields()
        model: Any = self.Meta.model  # type: ignore[attr-defined]
        for column in model._meta.concrete_fields:
            if is_filled_by_service(column) or isinstance(column, SubmissionKeyField):
                fields.pop(column.name, None)
        fields["anomaly"] = serializers.SerializerMethodField()
        return fields

    def get_anomaly(self, row: Any) -> Dict[str, Any]:
        """What is said of a row."""
        return {name: value for name, value in describe(row).items() if name != "id"}


class AnomalyViewSetMixin:
    """
    For a viewset of a model with AnomalyFields: inherit from it before the viewset. ``?anomaly=anomalous`` lists the rows with that status, and ``POST
    …/{pk}/feedback/`` with ``{"verdict": "expected"}``, ``"unexpected"`` or null says whether a transaction is the user's own. Whose rows a user may see, and
    judge, is for your ``get_queryset`` and permissions to say.
    """

    def filter_queryset(self, queryset: Any) -> Any:
        """The rows that the request asks for."""
        parent: Any = super()
        found = parent.filter_queryset(queryset)
        request: Any = self.request  # type: ignore[attr-defined]
        wanted: Optional[str] = request.query_params.get("anomaly")
        if wanted is None:
            return found
        if wanted not in AnomalyStatus.values:
            raise exceptions.ValidationError({"anomaly": [_("There is no such status.")]})
        return found.filter(anomaly_status=wanted)

    @decorators.action(detail=True, methods=["post"])
    def feedback(self, request: Any, pk: Any = None) -> Any:
        """Takes a verdict."""
        verdict = request.data.get("verdict", "")
        if verdict not in (EXPECTED, UNEXPECTED, None):
            raise exceptions.ValidationError({"verdict": [_("Must be expected, unexpected or null.")]})
        row: Any = self.get_object()  # type: ignore[attr-defined]
        try:
            give_feedback(row, verdict)
        except ValueError:
            raise exceptions.ValidationError({"verdict": [_("The service does not have this row yet.")]}) from None
        except FinanceIngestError:
            return response.Response({"detail": _("This can't be saved at the moment. Try again later.")}, status=status.HTTP_503_SERVICE_UNAVAILABLE)
        return response.Response(status=status.HTTP_202_ACCEPTED)


class NotificationSerializer(serializers.ModelSerializer):
    """A notification of a user's own."""

    class Meta:
        model = AnomalyNotification
        fields: ClassVar[Any] = ["id", "title", "text", "link", "transaction_id", "created_at", "read_at"]


class NotificationViewSet(viewsets.ReadOnlyModelViewSet):
    """A user's own notifications, the newest first; ``?unread=1`` lists the unread ones, and ``POST …/{pk}/read/`` marks one as read."""

    serializer_class = NotificationSerializer
    permission_classes: ClassVar[Any] = [permissions.IsAuthenticated]

    def get_queryset(self) -> Any:
        """The user's notifications."""
        found = notifications.of(self.request.user)
        return found.filter(read_at=None) if self.request.query_params.get("unread") == "1" else found

    @decorators.action(detail=True, methods=["post"])
    def read(self, request: Any, pk: Any = None) -> Any:
        """Marks a notification as read."""
        found = self.get_object()
        if found.read_at is None:
            AnomalyNotification.objects.filter(pk=found.pk).update(read_at=now())
            found.refresh_from_db()
        return response.Response(self.get_serializer(found).data)
