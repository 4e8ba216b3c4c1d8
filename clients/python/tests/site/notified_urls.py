"""The addresses of a site that takes webhooks and shows notifications."""

import json
from typing import Any, List

from asgiref.sync import sync_to_async
from django.http import JsonResponse
from django.urls import path
from finance_ingest.django import tasks, webhooks
from finance_ingest.django.outbox import asubmit_on_commit
from finance_ingest.django.views import NotificationCountView, NotificationsView, PreferencesView

from .purchases.models import Purchase
from .urls import urlpatterns as others


async def spend(request: Any, user_id: int) -> JsonResponse:
    """An asynchronous view that saves a row without ``save()``."""
    rows = await sync_to_async(Purchase.objects.bulk_create)([Purchase(user_id=user_id, category_id=1, amount=6000)])
    done = await asubmit_on_commit(rows)
    return JsonResponse({"submitted": done.submitted})


def later(webhook_id: str, alerts: Any) -> None:
    """Stands for the ``delay`` of a task, whose arguments go through JSON."""
    queue.append(json.dumps([webhook_id, alerts]))


def work() -> None:
    """Does what the worker of a task queue does."""
    while queue:
        tasks.receive_alerts(*json.loads(queue.pop(0)))


queue: List[str] = []

urlpatterns = [
    *others,
    path("webhook/", webhooks.receive),
    path("notifications/", NotificationsView.as_view()),
    path("spend/<int:user_id>/", spend),
    path("later/", webhooks.receiver(later)),
    path("preferences/", PreferencesView.as_view()),
    path("count/", NotificationCountView.as_view()),
]
