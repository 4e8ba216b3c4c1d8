"""Webhooks of the service, notifications inside of the site, and the bell."""

import json
import time
import uuid
from contextlib import suppress
from typing import Any, Dict, List
from unittest import mock

from .support.django_site import require_django

require_django()

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.template import Context, Template
from django.test import RequestFactory, SimpleTestCase, TestCase, TransactionTestCase, override_settings
from finance_ingest.django import notifications, testing
from finance_ingest.django.models import AnomalyNotification, AnomalyStatus, ReceivedWebhook
from finance_ingest.django.outbox import asubmit_on_commit
from finance_ingest.django.settings import read_settings
from finance_ingest.django.signals import anomaly_found
from finance_ingest.django.signatures import TOLERANCE, InvalidSignature, sign, verify
from finance_ingest.django.sync import sync
from finance_ingest.testing import FakeClient

from .site.purchases.models import Purchase

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SITE: Dict[str, Any] = {"URL": "http://127.0.0.1:9", "WEBHOOK_SECRETS": [SECRET], "NOTIFICATIONS": True}


def alert(transaction_id: Any, user_id: int, **more: Any) -> Dict[str, Any]:
    return {
        "user_id": user_id, "category_id": 1, "amount": 6000, "z_score": 8.0, "alert_id": str(uuid.uuid4()), "transaction_id": str(transaction_id),
        "mean": 2000, "std_dev": 500, "occurred_at": "2026-01-31T12:00:00.000000Z", "scored_at": "2026-01-31T12:00:00.000000Z", **more,
    }


class SignatureTests(SimpleTestCase):
    def test_it_is_that_of_the_specifications_example(self) -> None:
        # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        self.assertEqual(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

    def test_a_wrong_one_an_old_one_and_a_changed_body_are_refused(self) -> None:
        now = 1_700_000_000
        good = sign(SECRET, "id", now, b"{}")
        verify([SECRET], "id", str(now), f"v1,x {good}", b"{}", now)
        verify([OTHER, SECRET], "id", str(now), good, b"{}", now + TOLERANCE)
        for arguments in (
            ([SECRET], "id", str(now), good, b"{ }", now),
            ([SECRET], "other", str(now), good, b"{}", now),
            ([SECRET], "id", str(now + 1), good, b"{}", now),
            ([OTHER], "id", str(now), good, b"{}", now),
            ([SECRET], "id", str(now), good, b"{}", now + TOLERANCE + 1),
            ([SECRET], "id", str(now), good, b"{}", now - TOLERANCE - 1),
            ([SECRET], "id", str(now), "", b"{}", now),
            ([SECRET], "id", str(now), good.replace("v1,", "v2,"), b"{}", now),
            ([SECRET], "id", "²", good, b"{}", now),
            ([SECRET], "", str(now), good, b"{}", now),
            ([SECRET], "id", str(now), "v1,\udcff", b"{}", now),
        ):
            with self.assertRaises(InvalidSignature):
                verify(*arguments)

    def test_the_settings_are_checked(self) -> None:
        for value in ({"WEBHOOK_SECRETS": SECRET}, {"WEBHOOK_SECRETS": ["secret"]}, {"NOTIFICATIONS": 1}):
            with override_settings(FINANCE_INGEST={**SITE, **value}), self.assertRaises(ImproperlyConfigured):
                read_settings()


@override_settings(FINANCE_INGEST=SITE, ROOT_URLCONF="tests.site.notified_urls")
class WebhookTests(TransactionTestCase):
    def setUp(self) -> None:
        self.user = User.objects.create(username="u")
        self.heard: List[Any] = []
        receiver = lambda **arguments: self.heard.append((arguments["instance"].pk, arguments["result"].z_score))  # noqa: E731
        anomaly_found.connect(receiver, weak=False)
        self.addCleanup(anomaly_found.disconnect, receiver)
        notifications.connect()
        self.addCleanup(anomaly_found.disconnect, dispatch_uid="finance_ingest.notifications")

    def pending(self) -> Purchase:
        with testing.override():
            row = Purchase.objects.create(user=self.user, category_id=1, amount=6000)
        row.refresh_from_db()
        return row

    def post(self, body: Any, webhook_id: str = "", secret: str = SECRET, at: float = 0.0, **headers: str) -> Any:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        webhook_id = webhook_id or str(uuid.uuid4())
        timestamp = int(at or time.time())
        given = {
            "HTTP_WEBHOOK_ID": webhook_id, "HTTP_WEBHOOK_TIMESTAMP": str(timestamp), "HTTP_WEBHOOK_SIGNATURE": sign(secret, webhook_id, timestamp, text),
            **headers,
        }
        return self.client.post("/webhook/", text, content_type="application/json", **given)

    def detected(self, **fields: Any) -> Dict[str, Any]:
        return {"type": "anomaly.detected", "timestamp": "2026-01-31T12:00:00.000000Z", "data": fields}

    def test_the_row_gets_its_result_the_signal_is_sent_and_the_user_is_told_once(self) -> None:
        row = self.pending()
        data = alert(row.ingest_id, self.user.pk, explanation="3 times the usual", link="https://finance.example/t/1")

        self.assertEqual(self.post(self.detected(**data), "one").json(), {"status": "done"})
        self.assertEqual(self.post(self.detected(**data), "one").json(), {"status": "repeated"})
        self.post({"type": "anomaly.digest", "timestamp": "", "data": {"digest_id": "d", "count": 1, "alerts": [data]}})

        row.refresh_from_db()
        self.assertEqual((row.anomaly_status, row.is_anomaly, row.z_score), (AnomalyStatus.ANOMALOUS, True, 8.0))
        self.assertEqual(self.heard, [(row.pk, 8.0)])
        told = AnomalyNotification.objects.get()
        self.assertEqual((told.user_id, told.text, told.link), (self.user.pk, "3 times the usual", "https://finance.example/t/1"))

    def test_a_stranger_a_replay_and_rubbish_change_nothing(self) -> None:
        row = self.pending()
        good = self.detected(**alert(row.ingest_id, self.user.pk))
        self.assertEqual(self.post(good, secret=OTHER).status_code, 401)
        self.assertEqual(self.post(good, at=time.time() - TOLERANCE - 5).status_code, 401)
        self.assertEqual(self.post(good, HTTP_WEBHOOK_SIGNATURE="").status_code, 401)
        for body in (b"", b"[]", b"{}", b'{"type":"anomaly.detected","data":{}}', b'{"type":"anomaly.detected","data":{"user_id":"x"}}', b"\xff"):
            self.assertEqual(self.post(body).status_code, 400, body)
        self.assertEqual(self.client.get("/webhook/").status_code, 405)
        with override_settings(FINANCE_INGEST={**SITE, "WEBHOOK_SECRETS": []}):
            self.assertEqual(self.post(good).status_code, 503)
        with mock.patch("finance_ingest.django.webhooks.LARGEST_BODY", 10):
            self.assertEqual(self.post(good).status_code, 413)
        row.refresh_from_db()
        self.assertEqual((row.anomaly_status, self.heard, AnomalyNotification.objects.count()), (AnomalyStatus.PENDING, [], 0))

    def test_an_unknown_type_is_taken_and_does_nothing(self) -> None:
        self.assertEqual(self.post({"type": "anomaly.later", "data": 1}).json(), {"status": "done"})

    def test_a_failure_leaves_nothing_and_the_repetition_acts(self) -> None:
        row = self.pending()
        body = self.detected(**alert(row.ingest_id, self.user.pk))
        self.client.raise_request_exception = False
        with mock.patch("finance_ingest.django.webhooks.apply_results", side_effect=RuntimeError("the database is down")):
            self.assertEqual(self.post(body, "one").status_code, 500)
        self.assertEqual((AnomalyNotification.objects.count(), ReceivedWebhook.objects.count()), (0, 0))

        self.assertEqual(self.post(body, "one").json(), {"status": "done"})
        self.assertEqual(AnomalyNotification.objects.count(), 1)

    def test_the_sync_is_the_net_and_says_nothing_twice(self) -> None:
        with testing.override(score=lambda sent: 8.0) as fake:
            told = Purchase.objects.create(user=self.user, category_id=1, amount=6000)
            missed = Purchase.objects.create(user=self.user, category_id=1, amount=7000)
            told.refresh_from_db()
            self.post(self.detected(**alert(told.ingest_id, self.user.pk)))
            self.assertIsInstance(fake, FakeClient)
            sync("default", fake)
            sync("default", fake)

        self.assertEqual([pk for pk, _ in self.heard], [told.pk, missed.pk])
        told = AnomalyNotification.objects.filter(user_id=self.user.pk).order_by("pk")
        self.assertEqual(
            [(one.title, one.text) for one in told],
            [("Unusual transaction: 6,000.00", "usually 2,000.00 ± 500.00"), ("Unusual transaction: 7,000.00", "")],
        )

    def test_a_link_that_is_no_address_is_not_shown(self) -> None:
        self.post(self.detected(**alert(uuid.uuid4(), self.user.pk, link="javascript:alert(1)")))
        self.assertEqual(AnomalyNotification.objects.get().link, "")


@override_settings(FINANCE_INGEST=SITE, ROOT_URLCONF="tests.site.notified_urls")
class AsyncTests(TransactionTestCase):
    async def test_an_asynchronous_view_submits_under_asgi(self) -> None:
        user = await sync_to_async(User.objects.create)(username="u")
        with testing.override() as fake:
            answer = await self.async_client.get(f"/spend/{user.pk}/")
            row = await sync_to_async(Purchase.objects.get)()

        self.assertEqual(answer.json(), {"submitted": 1})
        self.assertEqual([sent.amount for sent in fake.sent], [6000])
        self.assertIsNotNone(row.ingest_id)

    def test_inside_of_atomic_it_waits_for_the_commit_and_a_rollback_submits_nothing(self) -> None:
        user = User.objects.create(username="u")
        with testing.override() as fake:
            with suppress(ZeroDivisionError), transaction.atomic():
                async_to_sync(asubmit_on_commit)(Purchase.objects.bulk_create([Purchase(user=user, category_id=1, amount=1)]))
                raise ZeroDivisionError
            self.assertEqual(len(fake.sent), 0)
            with transaction.atomic():
                async_to_sync(asubmit_on_commit)(Purchase.objects.bulk_create([Purchase(user=user, category_id=1, amount=2)]))
                self.assertEqual(len(fake.sent), 0)
            self.assertEqual([sent.amount for sent in fake.sent], [2])


@override_settings(FINANCE_INGEST=SITE, ROOT_URLCONF="tests.site.notified_urls")
class BellTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create_user("u")
        self.other = User.objects.create_user("v")
        self.mine = [self.notify(self.user) for _ in range(3)]
        self.notify(self.other)

    def notify(self, user: User) -> AnomalyNotification:
        return AnomalyNotification.objects.create(user_id=user.pk, transaction_id=uuid.uuid4(), title="Unusual <b>transaction</b>", text="So & so")

    def render(self, user: User) -> str:
        request = RequestFactory().get("/")
        request.user = user
        return Template("{% load finance_ingest %}{% notification_bell '/n/' '/c/' %}").render(Context({"request": request}))

    def test_it_shows_the_users_own_unread(self) -> None:
        self.assertIn('data-ingest-unread="3"', self.render(self.user))
        self.assertIn('<span class="ingest-unread">3</span>', self.render(self.user))
        AnomalyNotification.objects.all().delete()
        self.assertIn('<span class="ingest-unread" hidden>0</span>', self.render(self.user))

    def test_the_count_needs_a_login(self) -> None:
        self.assertEqual(self.client.get("/count/").status_code, 403)
        self.client.force_login(self.user)
        self.assertEqual(self.client.get("/count/").json(), {"unread": 3, "label": "3 unread notifications"})

    def test_the_page_shows_them_and_marks_only_the_users_own_as_read(self) -> None:
        self.assertEqual(self.client.get("/notifications/").status_code, 302)
        self.client.force_login(self.user)
        page = self.client.get("/notifications/").content.decode()
        self.assertEqual(page.count("Unusual &lt;b&gt;transaction&lt;/b&gt;"), 3)
        self.client.post("/notifications/", {"id": [self.mine[0].pk, AnomalyNotification.objects.get(user_id=self.other.pk).pk]})
        self.assertEqual((notifications.unread_count(self.user), notifications.unread_count(self.other)), (2, 1))
        self.assertEqual(self.client.post("/notifications/", {"id": "x"}).status_code, 400)
        self.client.post("/notifications/", {"all": "1"})
        self.assertEqual((notifications.unread_count(self.user), notifications.unread_count(self.other)), (0, 1))
