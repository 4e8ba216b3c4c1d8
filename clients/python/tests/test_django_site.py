"""Admin, polling view, checks, settings and baselines."""

import os
import statistics
import tempfile
import unittest
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from unittest import mock

from .support.django_site import require_django

require_django()

from django.contrib.auth.models import User
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from finance_ingest import Client
from finance_ingest.django.checks import check_service, check_service_for_deployment, check_settings
from finance_ingest.django.fields import ServiceFloatField, SubmissionKeyField
from finance_ingest.django.models import OutboxEntry
from finance_ingest.django.settings import HTTP
from finance_ingest.django.statistics import baselines_of

from .site.purchases.models import Payment, Purchase
from .support.servers import IngestServer
from .test_django_outbox import OutboxTestCase
from .test_django_sync import Lines
from .test_rules import SAMPLES


class AdminTests(OutboxTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(User.objects.create_superuser("a", "a@example.com", "a"))

    def test_anomalies_have_a_column_and_a_filter(self) -> None:
        rows = [self.purchase(amount) for amount in (1, 2)]
        with override_settings(FINANCE_INGEST={"URL": "http://127.0.0.1:9", "SUBMIT_ON_SAVE": False}):
            for row in rows:
                row.save()
        Purchase.objects.filter(pk=rows[0].pk).update(anomaly_status="anomalous", is_anomaly=True, z_score=8.04)
        page = self.client.get("/admin/purchases/purchase/").content.decode()
        self.assertIn("anomalous (z = 8.0)", page)
        self.assertIn("not submitted", page)
        found = self.client.get("/admin/purchases/purchase/?anomaly=anomalous").context["cl"].queryset
        self.assertEqual([row.pk for row in found], [rows[0].pk])
        found = self.client.get("/admin/purchases/purchase/?anomaly=none").context["cl"].queryset
        self.assertEqual([row.pk for row in found], [rows[1].pk])
        self.assertContains(self.client.get(f"/admin/purchases/purchase/{rows[0].pk}/change/"), "8.04")

    def test_a_refused_entry_is_submitted_again_from_its_mended_row(self) -> None:
        with self.assertLogs("finance_ingest", "WARNING"):
            row = self.save_and_submit(self.purchase(occurred_at=datetime(2999, 1, 1, tzinfo=timezone.utc)))
        page = "/admin/finance_ingest/outboxentry/"
        self.assertContains(self.client.get(page), "24 hours in the future")
        Purchase.objects.update(occurred_at=None)
        chosen = {"action": "submit_again", "_selected_action": [OutboxEntry.objects.get().pk]}
        self.assertContains(self.client.post(page, chosen, follow=True), "1 row was submitted.")
        row.refresh_from_db()
        self.assertIsNotNone(row.ingest_id)
        Purchase.objects.update(ingest_id=None, category_id=None)
        OutboxEntry.objects.update(state="refused")
        chosen["_selected_action"] = [OutboxEntry.objects.get().pk]
        with self.assertLogs("finance_ingest", "WARNING"):
            self.assertContains(self.client.post(page, chosen, follow=True), "category_id is required")
        chosen["_selected_action"] = [OutboxEntry.objects.get().pk]
        Purchase.objects.all()._raw_delete("default")
        self.assertContains(self.client.post(page, chosen, follow=True), "is gone")


class ViewTests(OutboxTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.row = self.purchase()
        self.row.save()

    def test_a_user_sees_his_own_rows(self) -> None:
        Purchase.objects.update(anomaly_status="anomalous", is_anomaly=True, z_score=8.0)
        stranger = Purchase.objects.create(user=User.objects.create(username="x"), category_id=1, amount=1)
        self.client.force_login(self.user)
        answer = self.client.get("/status/", {"id": [self.row.pk, stranger.pk, 10**6]}).json()
        self.assertEqual(
            answer, {"rows": [{"id": str(self.row.pk), "status": "anomalous", "is_anomaly": True, "z_score": 8.0, "text": "anomalous (z = 8.0)"}]}
        )

    def test_strangers_and_nonsense_are_refused(self) -> None:
        self.assertEqual(self.client.get("/status/", {"id": [self.row.pk]}).status_code, 403)
        self.client.force_login(self.user)
        self.assertEqual(self.client.get("/status/", {"id": ["x"]}).status_code, 400)
        self.assertEqual(self.client.get("/status/", {"id": range(201)}).status_code, 400)
        self.assertEqual(self.client.get("/status/").json(), {"rows": []})


class CheckTests(OutboxTestCase):
    def test_a_service_that_answers_is_no_message(self) -> None:
        self.assertEqual((check_settings(), check_service_for_deployment()), ([], []))

    def test_a_service_that_is_down_is_a_warning_in_development_and_for_a_deployment(self) -> None:
        self.use_service("http://127.0.0.1:9")
        self.assertEqual(check_service(), [])
        self.assertEqual([message.id for message in check_service_for_deployment()], ["finance_ingest.W001"])
        with override_settings(DEBUG=True):
            self.assertEqual([message.id for message in check_service()], ["finance_ingest.W001"])
            self.assertEqual(check_service_for_deployment(), [])

    def test_a_refused_key_is_an_error(self) -> None:
        server = IngestServer(FinanceIngest__ApiKeys__web__Secret="s3cret")
        self.addCleanup(server.close)
        server.start()
        self.use_service(server.url, KEY="wrong")
        (message,) = check_service_for_deployment()
        self.assertEqual((message.id, message.level), ("finance_ingest.E003", checks.ERROR))
        self.assertNotIn("wrong", str(message))

    def test_wrong_settings_are_errors_that_name_them(self) -> None:
        for value, word in (
            (None, "missing"),
            ({}, "missing"),
            ({"URL": "nonsense"}, "not an http address"),
            ({"URL": "http://x", "TIMOUT": 1}, "TIMOUT"),
            ({"URL": "http://x", "TIMEOUT": "1"}, "TIMEOUT"),
            ({"URL": "http://x", "KEY": "a b"}, "key"),
            ({"URL": "http://x", "BACKEND": "nowhere.at_all"}, "nowhere"),
            ({"URL": "http://x", "SUBMIT_ON_SAVE": "no"}, "SUBMIT_ON_SAVE"),
        ):
            with override_settings(FINANCE_INGEST=value if value is None else {"BACKEND": HTTP, **value}):
                (message,) = check_settings()
                self.assertEqual(message.id, "finance_ingest.E001")
                self.assertIn(word, message.msg)
                self.assertEqual(check_service_for_deployment()[1:], [])

    def test_a_model_without_a_column_that_is_told_is_an_error(self) -> None:
        with mock.patch.object(Payment, "ingest_amount_field", "sum"):
            (message,) = check_settings()
        self.assertEqual((message.id, message.obj), ("finance_ingest.E002", Payment))

    def test_the_migrations_are_those_of_the_models(self) -> None:
        call_command("makemigrations", "finance_ingest", check=True, dry_run=True, verbosity=0)

    def test_a_projects_migrations_name_djangos_own_fields(self) -> None:
        self.assertEqual(ServiceFloatField(null=True).deconstruct()[1], "django.db.models.FloatField")
        self.assertEqual(SubmissionKeyField().deconstruct()[1], "django.db.models.UUIDField")
        self.assertIsInstance(ServiceFloatField(), models.FloatField)


class BaselineTests(OutboxTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.amounts = [Decimal(amount) for amount in ("10.5", "12", "9.25", "30")]
        Purchase.objects.bulk_create([self.purchase(amount) for amount in self.amounts])
        Purchase.objects.bulk_create([Purchase(user=self.user, category_id=category, amount=5) for category in (7, None)])
        self.folder = tempfile.mkdtemp()

    def test_the_deviation_is_that_of_a_sample_unless_asked_otherwise(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            single, several = sorted(baselines_of(Purchase), key=lambda baseline: baseline["sample_count"])
        self.assertEqual(len(queries), 1)
        self.assertEqual((single["category_id"], single["mean"], single["std_dev"], single["sample_count"]), (7, 5.0, 0.0, 1))
        self.assertEqual((several["user_id"], several["category_id"], several["sample_count"]), (self.user.pk, 2310, 4))
        self.assertAlmostEqual(several["mean"], float(statistics.mean(self.amounts)))
        self.assertAlmostEqual(several["std_dev"], float(statistics.stdev(self.amounts)))
        population = max(baselines_of(Purchase, population=True), key=lambda baseline: baseline["sample_count"])
        self.assertAlmostEqual(population["std_dev"], float(statistics.pstdev(self.amounts)))

    def test_what_was_found_anomalous_is_left_out_unless_asked_for(self) -> None:
        Purchase.objects.filter(amount=30).update(is_anomaly=True)
        counts = [max(baseline["sample_count"] for baseline in baselines_of(Purchase, anomalies=anomalies)) for anomalies in (False, True)]
        self.assertEqual(counts, [3, 4])

    def test_they_are_written_as_the_services_csv(self) -> None:
        path = Path(self.folder, "stats.csv")
        call_command("export_anomaly_stats", str(path), model="purchases.Purchase", stderr=Lines())
        lines = path.read_text().splitlines()
        self.assertEqual((lines[0], len(lines)), ("user_id,category_id,mean,std_dev,sample_count", 3))
        self.assertEqual(os.listdir(self.folder), ["stats.csv"])

    def test_they_are_put_to_the_service_and_used(self) -> None:
        output = Lines()
        call_command("export_anomaly_stats", put=True, model="purchases.Purchase", stdout=output)
        self.assertIn("2 baselines inserted, 0 updated", "".join(output.written))
        result = self.client_of_service.submit(self.user.pk, 2310, 15, wait=30)
        self.assertAlmostEqual(result.z_score, (15 - float(statistics.mean(self.amounts))) / float(statistics.stdev(self.amounts)))

    def test_the_older_systems_pickle_becomes_the_same_csv(self) -> None:
        path = Path(self.folder, "stats.csv")
        call_command("export_anomaly_stats", str(path), pickle=str(SAMPLES / "numpy-p4.pkl"), stderr=Lines())
        self.assertIn("399,2310,2000.0,500.0,40", path.read_text())

    def test_errors_are_clear_and_leave_the_file_as_it_was(self) -> None:
        path = Path(self.folder, "stats.csv")
        path.write_text("before")
        for options, word in (
            ({}, "--model"),
            ({"model": "auth.User"}, "no model with AnomalyFields"),
            ({"pickle": "/absent.pkl"}, "absent.pkl"),
            ({"pickle": str(SAMPLES / "refused-p4.pkl")}, "refused-p4.pkl"),
        ):
            with self.assertRaises(CommandError) as caught:
                call_command("export_anomaly_stats", str(path), **options)
            self.assertIn(word, str(caught.exception))
        with mock.patch.object(Client, "put_stats", side_effect=RuntimeError), self.assertRaises(RuntimeError):
            call_command("export_anomaly_stats", put=True, model="purchases.Purchase")
        self.assertEqual((path.read_text(), os.listdir(self.folder)), ("before", ["stats.csv"]))


if __name__ == "__main__":
    unittest.main()
