"""The mixins for Django REST framework, and tasks by Celery; each is skipped where it is not installed."""

import json
import time
import unittest
import uuid
from typing import Any, Dict, List

from .support.django_site import require_django

require_django()

from django.contrib.auth.models import User
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import include, path
from finance_ingest.django import tasks, testing
from finance_ingest.django.models import AnomalyNotification, AnomalyStatus, ReceivedWebhook
from finance_ingest.django.signatures import sign
from finance_ingest.testing import Outcome

from .site import notified_urls
from .site.purchases.models import Invoice, Purchase
from .test_django_webhooks import SECRET, SITE, alert

NO_REST = "Django REST framework is not installed for this Python: apt install python3-djangorestframework"
NO_CELERY = "Celery is not installed for this Python: apt install python3-celery"

try:
    import rest_framework
except ImportError:
    rest_framework = None

try:
    import celery
except ImportError:
    celery = None

urlpatterns: List[Any] = []

if rest_framework is not None:
    from finance_ingest.django.rest import AnomalySerializerMixin, AnomalyViewSetMixin, NotificationViewSet
    from rest_framework import permissions, routers, serializers, viewsets

    class PurchaseSerializer(AnomalySerializerMixin, serializers.ModelSerializer):
        class Meta:
            model = Purchase
            fields = "__all__"

    class InvoiceSerializer(AnomalySerializerMixin, serializers.ModelSerializer):
        class Meta:
            model = Invoice
            fields = ["id", "amount"]

    class PurchaseViewSet(AnomalyViewSetMixin, viewsets.ModelViewSet):
        serializer_class = PurchaseSerializer
        permission_classes = [permissions.IsAuthenticated]

        def get_queryset(self) -> Any:
            return Purchase.objects.filter(user=self.request.user).order_by("pk")

    router = routers.SimpleRouter()
    router.register("purchases", PurchaseViewSet, basename="purchase")
    router.register("notifications", NotificationViewSet, basename="notification")
    urlpatterns = [path("rest/", include(router.urls))]


@unittest.skipIf(rest_framework is None, NO_REST)
@override_settings(FINANCE_INGEST=SITE, ROOT_URLCONF="tests.test_django_rest")
class RestTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create(username="u")
        self.client.force_login(self.user)

    def post(self, address: str, **body: Any) -> Any:
        return self.client.post(address, body, content_type="application/json")

    @testing.override(score=lambda sent: 8.0 if sent.amount > 5000 else 0.1)
    def test_rows_are_submitted_and_come_with_their_anomaly(self) -> None:
        for amount in ("6000.00", "20.00"):
            answer = self.post("/rest/purchases/", user=self.user.pk, category_id=1, amount=amount, is_anomaly=True, ingest_id=str(uuid.uuid4()), z_score=99)
            self.assertEqual(answer.status_code, 201, answer.content)
            self.assertEqual(answer.json()["anomaly"]["status"], "pending")
        testing.deliver()

        (row,) = self.client.get("/rest/purchases/?anomaly=anomalous").json()
        self.assertEqual(row["anomaly"], {"status": "anomalous", "is_anomaly": True, "z_score": 8.0, "text": "anomalous (z = 8.0)"})
        self.assertFalse({"ingest_id", "ingest_key", "z_score", "is_anomaly", "anomaly_status"} & set(row))
        self.assertEqual(self.client.get("/rest/purchases/?anomaly=odd").status_code, 400)
        self.assertEqual(len(self.client.get("/rest/purchases/").json()), 2)

    @testing.override(score=Outcome(8.0, True, explanation="8 times the usual"))
    def test_the_sentence_comes_along(self) -> None:
        row = Invoice.objects.create(user_id=1, category_id=2, amount=6000)
        testing.deliver()
        row.refresh_from_db()
        self.assertEqual(InvoiceSerializer(row).data["anomaly"]["explanation"], "8 times the usual")

    def test_a_verdict_goes_to_the_service(self) -> None:
        with testing.override(score=8.0) as fake:
            row = Purchase.objects.create(user=self.user, category_id=1, amount=6000)
            self.assertEqual(self.post(f"/rest/purchases/{row.pk}/feedback/", verdict="expected").status_code, 400)
            testing.deliver()
            row.refresh_from_db()
            self.assertEqual(self.post(f"/rest/purchases/{row.pk}/feedback/", verdict="expected").status_code, 202)
            self.assertEqual(fake.get(str(row.ingest_id)).feedback, "expected")
            self.assertEqual(self.post(f"/rest/purchases/{row.pk}/feedback/", verdict=None).status_code, 202)
            self.assertIsNone(fake.get(str(row.ingest_id)).feedback)
            self.assertEqual(self.post(f"/rest/purchases/{row.pk}/feedback/", verdict="odd").status_code, 400)
            self.assertEqual(self.post(f"/rest/purchases/{row.pk}/feedback/").status_code, 400)
        strange = Purchase.objects.create(user=User.objects.create(username="v"), category_id=1, amount=6000)
        self.assertEqual(self.post(f"/rest/purchases/{strange.pk}/feedback/", verdict="expected").status_code, 404)

    def test_notifications_are_the_users_own_and_can_be_read(self) -> None:
        own, other = (AnomalyNotification.objects.create(user_id=user, transaction_id=uuid.uuid4(), title="t") for user in (self.user.pk, self.user.pk + 1))
        self.assertEqual([row["id"] for row in self.client.get("/rest/notifications/?unread=1").json()], [own.pk])
        self.assertIsNotNone(self.post(f"/rest/notifications/{own.pk}/read/").json()["read_at"])
        self.assertEqual(self.client.get("/rest/notifications/?unread=1").json(), [])
        self.assertEqual(self.post(f"/rest/notifications/{other.pk}/read/").status_code, 404)
        self.assertEqual(self.post("/rest/notifications/").status_code, 405)
        self.client.logout()
        self.assertEqual(self.client.get("/rest/notifications/").status_code, 403)


@override_settings(FINANCE_INGEST=SITE, ROOT_URLCONF="tests.site.notified_urls")
class TaskTests(TransactionTestCase):
    def setUp(self) -> None:
        self.user = User.objects.create(username="u")
        with testing.override():
            self.row = Purchase.objects.create(user=self.user, category_id=1, amount=6000)
        self.row.refresh_from_db()
        notified_urls.queue.clear()

    def send(self, data: Dict[str, Any], signed: bool = True) -> Any:
        body = json.dumps({"type": "anomaly.detected", "timestamp": "2026-01-31T12:00:00.000000Z", "data": data}).encode()
        now = int(time.time())
        signature = sign(SECRET, "one", now, body) if signed else "v1,"
        return self.client.post(
            "/later/", body, content_type="application/json", HTTP_WEBHOOK_ID="one", HTTP_WEBHOOK_TIMESTAMP=str(now), HTTP_WEBHOOK_SIGNATURE=signature
        )

    def test_the_view_answers_at_once_and_the_worker_acts_once(self) -> None:
        data = alert(self.row.ingest_id, self.user.pk)
        self.assertEqual(self.send(data, signed=False).status_code, 401)
        self.assertEqual(notified_urls.queue, [])
        self.assertEqual(self.send(data).json(), {"status": "done"})
        self.send(data)
        self.assertEqual((len(notified_urls.queue), AnomalyNotification.objects.count()), (2, 0))
        notified_urls.work()
        self.row.refresh_from_db()
        self.assertEqual((self.row.anomaly_status, AnomalyNotification.objects.count(), ReceivedWebhook.objects.count()), (AnomalyStatus.ANOMALOUS, 1, 1))

    def test_synchronising_does_what_the_command_does(self) -> None:
        with testing.override(score=8.0):
            Purchase.objects.create(user=self.user, category_id=1, amount=6000)
            self.assertEqual(tasks.synchronise(), 2)  # the row of setUp too
            self.assertTrue(Purchase.objects.order_by("pk").last().is_anomaly)
            self.assertEqual(tasks.synchronise(), 0)

    @unittest.skipIf(celery is None, NO_CELERY)
    def test_the_functions_are_tasks_of_celery(self) -> None:
        app = celery.Celery("tests", broker="memory://", backend="cache+memory://", set_as_current=False)
        app.conf.update(task_always_eager=True, task_eager_propagates=True, task_serializer="json")
        receive_alerts = app.task(tasks.receive_alerts, name="receive_alerts")
        data = alert(self.row.ingest_id, self.user.pk)
        self.assertTrue(receive_alerts.delay("one", [data]).get())
        self.assertFalse(receive_alerts.delay("one", [data]).get())
        self.row.refresh_from_db()
        self.assertEqual(self.row.anomaly_status, AnomalyStatus.ANOMALOUS)
