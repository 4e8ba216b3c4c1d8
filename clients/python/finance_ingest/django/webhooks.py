"""
Receives the service's webhooks, so that the site reacts within seconds and need not poll::

    path("finance-ingest/webhook/", finance_ingest.django.webhooks.receive)

The rows of the alerts get their results, and ``result_received`` and ``anomaly_found`` are sent, as ``sync_anomalies`` does it. The sync stays as
the net below: a webhook that does not come, or comes before the row has its id, changes nothing that the next sync does not find.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from typing import Any, Callable, Dict, List

from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse
from django.utils.timezone import now
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ..results import SCORED, Result
from .models import ReceivedWebhook, databases
from .notifications import notify_of_alert
from .settings import read_settings
from .signatures import InvalidSignature, verify
from .sync import apply_results

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes; a digest of a thousand alerts has about half a mebibyte."""

_UNKNOWN = ("baseline_count",)
"""The column of which an alert knows nothing."""

_KEEP_IDS = timedelta(days=7)
_FORGET_EVERY = 100
_FIELDS = ("user_id", "category_id", "amount", "z_score", "occurred_at", "scored_at", "detector", "surprise", "explanation")

log = logging.getLogger("finance_ingest")


def receiver(handle: Callable[[str, List[Dict[str, Any]]], Any]) -> Callable[[HttpRequest], JsonResponse]:
    """
    Makes a view that checks a webhook and hands its id and its alerts to a function, such as the ``delay`` of a task that calls ``tasks.receive_alerts``.

    200: it was handed over. 400: it can't be read. 401: it is not the service's, or a replay. 413: it is too long. 503: no secret is set. Whatever else
    happens, such as an exception of the function, is a 500, and the service sends it again.
    """

    @csrf_exempt
    @require_POST
    def view(request: HttpRequest) -> JsonResponse:
        return _receive(request, handle)

    return view


def _receive(request: HttpRequest, handle: Callable[[str, List[Dict[str, Any]]], Any]) -> JsonResponse:
    secrets = read_settings().WEBHOOK_SECRETS
    if not secrets:
        return JsonResponse({"error": "FINANCE_INGEST['WEBHOOK_SECRETS'] is empty."}, status=503)
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        return JsonResponse({"error": "The body is too long."}, status=413)
    webhook_id = request.headers.get("webhook-id", "")
    try:
        verify(secrets, webhook_id, request.headers.get("webhook-timestamp", ""), request.headers.get("webhook-signature", ""), body, time.time())
    except InvalidSignature as error:
        log.warning("A webhook was refused: %s.", error)
        return JsonResponse({"error": str(error)}, status=401)
    try:
        alerts = _alerts(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return JsonResponse({"error": "The body is no webhook of FinanceIngest."}, status=400)
    return JsonResponse({"status": "repeated" if handle(webhook_id, alerts) is False else "done"})


def act(webhook_id: str, alerts: List[Dict[str, Any]]) -> bool:
    """Acts on the alerts of a webhook; returns False when that was done before. A failure leaves nothing, so that a repetition acts on all of it."""
    results = [_result(alert) for alert in alerts if alert.get("transaction_id")]
    try:
        with transaction.atomic():
            received = ReceivedWebhook.objects.create(webhook_id=webhook_id[:100])
            for alert in alerts:
                notify_of_alert(alert)
            for using in databases():
                apply_results(using, results, unknown=_UNKNOWN)
    except IntegrityError:
        if not ReceivedWebhook.objects.filter(webhook_id=webhook_id[:100]).exists():
            raise
        return False
    if received.pk % _FORGET_EVERY == 0:
        ReceivedWebhook.objects.filter(received_at__lt=now() - _KEEP_IDS).delete()
    return True


receive = receiver(act)
"""The view that acts on a webhook at once, and once."""


def _alerts(body: Dict[str, Any]) -> List[Dict[str, Any]]:
    if body["type"] == "anomaly.detected":
        found = [body["data"]]
    elif body["type"] == "anomaly.digest":
        found = list(body["data"]["alerts"])
    else:
        # A type that this version does not know is none of its business.
        found = []
    for alert in found:
        int(alert["user_id"]), _result(alert)
    return found


def _result(alert: Dict[str, Any]) -> Result:
    fields = {name: alert.get(name) for name in _FIELDS}
    if alert.get("mean") is not None and alert.get("std_dev") is not None:
        fields["baseline"] = {"mean": alert["mean"], "std_dev": alert["std_dev"], "sample_count": 0}
    return Result.from_json({**fields, "id": alert.get("transaction_id"), "status": SCORED, "is_anomaly": True, "reason": "scored"})
