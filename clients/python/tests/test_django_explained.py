"""What a row says of its score: what it was measured by, and why."""

import json
import time
import uuid
from typing import Any, Dict, Tuple
from unittest import mock

from .support.django_site import require_django

require_django()

from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from django.utils import translation
from finance_ingest import Baseline, Client, Factor, Result, ShadowVerdict, Usual
from finance_ingest.django import testing
from finance_ingest.django.checks import check_columns
from finance_ingest.django.models import EXPLAINED, explained_columns
from finance_ingest.django.outbox import drain, submit
from finance_ingest.django.signatures import sign
from finance_ingest.django.sync import apply_results, sync
from finance_ingest.django.templatetags.finance_ingest import describe, explain
from finance_ingest.errors import Problem
from finance_ingest.testing import FakeClient, Outcome, Sent

from .site.purchases.models import Invoice, Purchase, Receipt
from .support.servers import BASELINE, IngestServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SENTENCE = "5.3 times your usual for category 2: usually 1,200 to 3,900 over 41 payments"
LEARNED = Outcome(
    8.0, True, baseline=Baseline(2000.0, 500.0, 41), detector="adaptive/1", surprise=0.001, usual=Usual(1200.0, 2000.0, 3900.0, 41), explanation=SENTENCE,
    factors=(Factor("high", 5.3),),
)
FILLED = (2000.0, 500.0, 41, "scored", 0.001, SENTENCE)
EMPTY = (None, None, None, "", None, "")


def found(row: Any) -> Tuple[Any, ...]:
    """Returns what the database has in the six columns."""
    return type(row).objects.values_list(*EXPLAINED).get(pk=row.pk)


class RowTests(TransactionTestCase):
    def invoice(self, amount: object = 6000) -> Invoice:
        return Invoice.objects.create(user_id=1, category_id=2, amount=amount)

    @testing.override(score=LEARNED)
    def test_a_result_fills_the_columns_and_a_new_submission_empties_them(self) -> None:
        row = self.invoice()
        self.assertEqual(found(row), EMPTY)
        testing.deliver()
        self.assertEqual(found(row), FILLED)

        row.refresh_from_db()
        row.amount = 7000
        row.save()
        self.assertEqual(found(row), EMPTY)
        self.assertEqual(tuple(getattr(row, name) for name in EXPLAINED), EMPTY)
        testing.deliver()
        self.assertEqual(found(row), FILLED)
        submit(row, again=True)
        self.assertEqual(found(row), EMPTY)

    @testing.override(score=LEARNED)
    def test_a_stale_instance_leaves_them_and_a_copy_has_none(self) -> None:
        row = self.invoice()
        testing.deliver()
        row.save()
        self.assertEqual(found(row), FILLED)
        copy = Invoice.objects.get(pk=row.pk)
        copy.pk = None
        copy.save()
        self.assertEqual(found(copy), EMPTY)

    @testing.override(score=lambda sent: Outcome(1.0, baseline=Baseline(float(sent.amount), 1.0, 3), explanation=f"{sent.amount} ' \\ \N{SNOWMAN}"))
    def test_many_rows_get_their_own(self) -> None:
        Invoice.objects.bulk_create([Invoice(user_id=1, category_id=2, amount=number) for number in range(500)])
        submit(Invoice.objects.all())
        testing.deliver()
        for row in Invoice.objects.all():
            number = int(row.amount)
            self.assertEqual((row.baseline_mean, row.anomaly_explanation.split()[1:]), (number, ["'", "\\", "\N{SNOWMAN}"]), number)
            self.assertEqual(float(row.anomaly_explanation.split()[0]), number)

    @testing.override(score=LEARNED)
    def test_a_failure_and_a_withdrawal_empty_them(self) -> None:
        for status in ("failed", "withdrawn", "purged"):
            row = self.invoice()
            testing.deliver()
            row.refresh_from_db()
            error = Problem("t", "T", 422) if status == "failed" else None
            self.assertEqual(apply_results("default", [Result(str(row.ingest_id), status, error=error)]), 1)
            self.assertEqual(found(row), EMPTY, status)

    @testing.override(score=lambda sent: Outcome(reason="insufficient_samples", baseline=Baseline(10.0, 0.0, 1)) if sent.amount > 5 else None)
    def test_a_row_without_a_score_says_why(self) -> None:
        few, nothing = self.invoice(6), self.invoice(5)
        testing.deliver()
        self.assertEqual(found(few), (10.0, 0.0, 1, "insufficient_samples", None, ""))
        self.assertEqual(found(nothing), (None, None, None, "no_baseline", None, ""))

    @testing.override(score=LEARNED)
    def test_only_columns_that_the_model_has_from_the_app_are_filled(self) -> None:
        receipt = Receipt.objects.create(user_id=1, category_id=2, amount=3)
        purchase = Purchase.objects.create(user=User.objects.create(username="u"), category_id=2, amount=4)
        testing.deliver()
        receipt.refresh_from_db()
        purchase.refresh_from_db()
        self.assertEqual(explained_columns(Receipt), ["baseline_mean", "baseline_std_dev", "anomaly_explanation"])
        self.assertEqual((receipt.baseline_mean, receipt.baseline_std_dev, receipt.anomaly_explanation), (2000.0, 500.0, SENTENCE))
        self.assertEqual(receipt.anomaly_reason, "the project's own")
        self.assertEqual((explained_columns(Purchase), purchase.z_score), ([], 8.0))
        receipt.amount = 5
        receipt.save()
        receipt.refresh_from_db()
        self.assertEqual((receipt.baseline_mean, receipt.anomaly_explanation, receipt.anomaly_reason), (None, "", "the project's own"))

    def test_a_missing_column_is_found(self) -> None:
        with mock.patch.object(Invoice._meta, "db_table", Receipt._meta.db_table):
            (message,) = check_columns(databases=["default"])
        self.assertIn("does not have the columns baseline_count, anomaly_surprise.", message.msg)


@override_settings(ROOT_URLCONF="tests.site.notified_urls")
@override_settings(FINANCE_INGEST={"URL": "http://127.0.0.1:9", "WEBHOOK_SECRETS": [SECRET], "SUBMIT_ON_COMMIT": False})
class WebhookTests(TransactionTestCase):
    def post(self, row: Invoice, **more: Any) -> None:
        row.refresh_from_db()
        data = {
            "user_id": 1, "category_id": 2, "amount": 6000, "z_score": 8.0, "alert_id": str(uuid.uuid4()), "transaction_id": str(row.ingest_id),
            "mean": 2000, "std_dev": 500, "occurred_at": "2026-01-31T12:00:00.000000Z", "scored_at": "2026-01-31T12:00:00.000000Z", **more,
        }
        text = json.dumps({"type": "anomaly.detected", "timestamp": "2026-01-31T12:00:00.000000Z", "data": data}).encode()
        webhook_id, now = str(uuid.uuid4()), int(time.time())
        headers = {"HTTP_WEBHOOK_ID": webhook_id, "HTTP_WEBHOOK_TIMESTAMP": str(now), "HTTP_WEBHOOK_SIGNATURE": sign(SECRET, webhook_id, now, text)}
        self.assertEqual(self.client.post("/webhook/", text, content_type="application/json", **headers).status_code, 200)

    def test_it_fills_what_it_knows_and_leaves_the_count_of_the_sync(self) -> None:
        learned = {"detector": "adaptive/1", "surprise": 0.001, "usual_low": 1200, "usual_high": 3900, "explanation": SENTENCE}
        fake = FakeClient(score=LEARNED)
        row = Invoice.objects.create(user_id=1, category_id=2, amount=6000)
        drain("default", fake)
        self.post(row, **learned)
        self.assertEqual(found(row), (2000.0, 500.0, None, "scored", 0.001, SENTENCE))
        sync("default", fake)
        self.assertEqual(found(row), FILLED)
        self.post(row, **learned)
        self.assertEqual(found(row), FILLED)


class ServerTests(TransactionTestCase):
    def of_a_server(self, amounts: Dict[str, int], **settings: str) -> Dict[str, Tuple[Any, ...]]:
        """Returns what the rows of a real service say. ``first`` is in another category than the others, which come after 30 payments of 2000."""
        server = IngestServer(**settings)
        self.addCleanup(server.close)
        server.start()
        with Client(server.url) as client:
            client.put_stats([BASELINE])
            history = [{"user_id": 399, "category_id": 2310, "amount": 2000 + day, "occurred_at": f"2026-01-{day:02}T12:00:00Z"} for day in range(1, 31)]
            for accepted in client.submit_many(history).accepted:
                client.wait_for(accepted.id)
            rows = {name: Invoice(user_id=399, category_id=1 if name == "first" else 2310, amount=amount) for name, amount in amounts.items()}
            for row in rows.values():
                row.save()
            drain("default", client)
            for ingest_id in Invoice.objects.values_list("ingest_id", flat=True):
                client.wait_for(str(ingest_id))
            sync("default", client)
        return {name: found(row) for name, row in rows.items()}

    @override_settings(FINANCE_INGEST={"URL": "http://127.0.0.1:9", "SUBMIT_ON_COMMIT": False})
    def test_the_fixed_detector_says_mean_and_deviation(self) -> None:
        rows = self.of_a_server({"first": 5, "normal": 2500})
        self.assertEqual(rows, {"first": (None, None, None, "no_baseline", None, ""), "normal": (2000.0, 500.0, 40, "scored", None, "")})

    @override_settings(FINANCE_INGEST={"URL": "http://127.0.0.1:9", "SUBMIT_ON_COMMIT": False})
    def test_a_detector_that_learns_says_it_in_a_sentence(self) -> None:
        rows = self.of_a_server({"high": 250_000}, FinanceIngest__Detection__Detector="adaptive")
        mean, deviation, count, reason, surprise, sentence = rows["high"]
        self.assertTrue(1500 < mean < 2500 and deviation > 0, rows)
        self.assertEqual((count, reason), (30, "scored"))
        self.assertTrue(0 <= surprise < 0.05, surprise)
        self.assertRegex(sentence, "category 2310: usually .* over 30 payments")
        self.assertEqual(explain(Invoice.objects.get()), sentence)


class PageTests(TransactionTestCase):
    def render(self, row: Any) -> str:
        return Template("{% load finance_ingest %}{% anomaly_explanation row %}").render(Context({"row": row}))

    def test_the_sentence_is_escaped(self) -> None:
        row = Invoice(pk=7, anomaly_explanation="<b>5</b> times")
        self.assertEqual(self.render(row), '<span class="ingest-explanation" data-ingest-explains="7">&lt;b&gt;5&lt;/b&gt; times</span>')

    def test_without_a_sentence_the_numbers_say_it_in_the_language_of_the_request(self) -> None:
        row = Invoice(pk=7, z_score=1.0, baseline_mean=2000.0, baseline_std_dev=500.5, baseline_count=1041, anomaly_reason="scored")
        with override_settings(USE_L10N=True):
            self.assertEqual(explain(row), "usually 2,000.00 ± 500.50, over 1,041 payments")
            with translation.override("de"):
                self.assertEqual(explain(row), "sonst 2.000,00 ± 500,50, aus 1.041 Zahlungen")
                self.assertEqual(explain(Invoice(anomaly_reason="no_baseline")), "Es gibt noch nichts zum Vergleichen.")
            row.baseline_count = None
            self.assertEqual(explain(row), "usually 2,000.00 ± 500.50")
        self.assertEqual(explain(Receipt(baseline_mean=1.0, baseline_std_dev=2.0)), "usually 1.00 ± 2.00")

    def test_where_nothing_is_known_it_is_hidden_until_the_result_comes(self) -> None:
        for row in (Invoice(pk=7), Purchase(pk=7, z_score=8.0)):
            self.assertEqual(self.render(row), '<span class="ingest-explanation" data-ingest-explains="7" hidden></span>')
            self.assertNotIn("explanation", describe(row))
        self.assertEqual(describe(Invoice(pk=7, anomaly_explanation=SENTENCE))["explanation"], SENTENCE)

    @testing.override(score=LEARNED)
    def test_the_admin_shows_them(self) -> None:
        self.client.force_login(User.objects.create_superuser("a", "a@example.com", "a"))
        row = Invoice.objects.create(user_id=1, category_id=2, amount=6000)
        testing.deliver()
        self.assertContains(self.client.get("/admin/purchases/invoice/"), SENTENCE, count=1)
        page = self.client.get(f"/admin/purchases/invoice/{row.pk}/change/")
        for text in (SENTENCE, "2000.0", "500.0", "0.001", "41", "Standard deviation", "Surprise"):
            self.assertContains(page, text)
        self.assertNotContains(page, 'name="anomaly_explanation"')


class ResultTests(SimpleTestCase):
    JSON: Dict[str, Any] = {
        "id": "a", "status": "scored", "z_score": 8.0, "is_anomaly": True, "reason": "scored", "baseline": {"mean": 1.0, "std_dev": 2.0, "sample_count": 3},
        "detector": "adaptive/1", "surprise": 0.001, "usual": {"low": 1.0, "typical": 2.0, "high": 3.0, "count": 4}, "explanation": SENTENCE,
        "factors": [{"code": "high", "value": 5.3}], "shadow": {"zscore": {"is_anomaly": False, "score": 1.5}},
    }

    def test_a_result_has_what_the_detector_says(self) -> None:
        result = Result.from_json(self.JSON)
        self.assertEqual((result.detector, result.surprise, result.usual, result.explanation), ("adaptive/1", 0.001, Usual(1.0, 2.0, 3.0, 4), SENTENCE))
        self.assertEqual((result.factors, result.shadow), ((Factor("high", 5.3),), {"zscore": ShadowVerdict(False, 1.5)}))
        self.assertEqual(json.loads(json.dumps(result.to_json())), self.JSON)
        self.assertEqual(hash(result), hash(Result.from_json(self.JSON)))

    def test_what_is_no_result_is_told(self) -> None:
        for name, value in (("explanation", 5), ("usual", []), ("factors", [5]), ("shadow", {"zscore": 1}), ("surprise", "often"), ("detector", {})):
            with self.assertRaises((ValueError, KeyError, TypeError, AttributeError), msg=name):
                Result.from_json({**self.JSON, name: value})

    def test_the_fake_client_says_it_too(self) -> None:
        client = FakeClient(score=lambda sent: LEARNED if isinstance(sent, Sent) else None)
        result = client.submit(1, 2, 6000, wait=1)
        self.assertEqual((result.baseline, result.surprise, result.usual), (Baseline(2000.0, 500.0, 41), 0.001, LEARNED.usual))
        self.assertEqual((result.explanation, result.factors, result.detector), (SENTENCE, LEARNED.factors, "adaptive/1"))
