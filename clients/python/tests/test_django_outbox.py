"""From a committed row to the service."""

import threading
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest import mock

from .support.django_site import require_django

require_django()

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django.test import TransactionTestCase, override_settings
from finance_ingest import Client, InvalidTransaction
from finance_ingest.django import outbox
from finance_ingest.django.models import AnomalyStatus, OutboxEntry
from finance_ingest.django.outbox import drain, submit_on_commit
from finance_ingest.django.settings import HTTP

from .site.purchases.models import Payment, Purchase
from .support.servers import IngestServer, free_port, shared_server


class OutboxTestCase(TransactionTestCase):
    """With a user, the shared server in the settings, and a service that was not just found down."""

    def setUp(self) -> None:
        self.user = User.objects.create(username="u")
        self.use_service(shared_server().url)
        self.client_of_service = Client(shared_server().url)
        self.addCleanup(self.client_of_service.close)

    def use_service(self, url: str, **settings: object) -> None:
        change = override_settings(FINANCE_INGEST={"URL": url, "BACKEND": HTTP, "RETRIES": 0, **settings})
        change.enable()
        self.addCleanup(change.disable)
        outbox._Rest.until = 0.0

    def purchase(self, amount: object = "2500", **fields: object) -> Purchase:
        return Purchase(user=self.user, category_id=2310, amount=amount, **fields)

    def save_and_submit(self, row: Purchase) -> Purchase:
        with transaction.atomic():
            row.save()
            submit_on_commit(row)
        return row


class SubmitOnCommitTests(OutboxTestCase):
    def test_a_commit_submits_what_the_row_holds(self) -> None:
        time = datetime(2026, 3, 1, 7, 37, tzinfo=timezone.utc)
        row = self.save_and_submit(self.purchase("1234567890.1234", occurred_at=time))
        self.assertEqual(row.anomaly_status, "pending")
        row.refresh_from_db()
        result = self.client_of_service.wait_for(str(row.ingest_id))
        self.assertEqual((result.user_id, result.category_id, result.amount, result.occurred_at), (self.user.pk, 2310, Decimal("1234567890.1234"), time))
        self.assertEqual(OutboxEntry.objects.get().state, "submitted")

    def test_a_rollback_submits_nothing(self) -> None:
        with mock.patch.object(Client, "submit_many") as submit_many, self.assertRaises(ZeroDivisionError):
            with transaction.atomic():
                row = self.purchase()
                row.save()
                submit_on_commit(row)
                raise ZeroDivisionError
        submit_many.assert_not_called()
        self.assertEqual((Purchase.objects.count(), OutboxEntry.objects.count()), (0, 0))
        # What the rollback left behind is submitted with no later commit either.
        kept = self.save_and_submit(self.purchase())
        self.assertEqual([entry.row_pk for entry in OutboxEntry.objects.all()], [str(kept.pk)])

    def test_a_savepoint_that_is_rolled_back_submits_nothing_of_it(self) -> None:
        with transaction.atomic():
            kept = self.purchase()
            kept.save()
            submit_on_commit(kept)
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                lost = self.purchase()
                lost.save()
                submit_on_commit(lost)
                raise ZeroDivisionError
        self.assertEqual([entry.row_pk for entry in OutboxEntry.objects.all()], [str(kept.pk)])

    def test_outside_of_a_transaction_it_is_refused(self) -> None:
        row = self.purchase()
        row.save()
        self.assertEqual(Purchase.objects.get().anomaly_status, "pending")
        with self.assertRaises(TransactionManagementError) as caught:
            submit_on_commit(row)
        self.assertIn("transaction.atomic()", str(caught.exception))

    def test_an_unsaved_row_is_refused(self) -> None:
        with transaction.atomic(), self.assertRaises(ValueError) as caught:
            submit_on_commit(self.purchase())
        self.assertIn("save()", str(caught.exception))

    def test_a_row_that_the_service_can_never_take_is_refused_with_the_reason_and_stays_saved(self) -> None:
        with self.assertLogs("finance_ingest", "WARNING") as logged:
            row = Purchase.objects.create(user=self.user, amount=1)
        self.assertIn(f"purchases.Purchase {row.pk} can't be submitted: category_id is required", logged.output[0])
        self.assertEqual((row.anomaly_status, Purchase.objects.get().anomaly_status), ("refused", "refused"))
        entry = OutboxEntry.objects.get()
        self.assertEqual((entry.state, entry.last_error, entry.transaction), ("refused", "category_id is required", ""))
        row.category_id = 2310
        row.save()
        self.assertEqual((OutboxEntry.objects.get().state, Purchase.objects.get().ingest_id is None), ("submitted", False))

    def test_a_row_that_the_service_can_never_take_raises_if_that_is_asked_for(self) -> None:
        with self.assertRaises(InvalidTransaction) as caught, self.assertLogs("finance_ingest", "WARNING"):
            with transaction.atomic():
                row = Purchase.objects.create(user=self.user, amount=1)
                submit_on_commit(row, strict=True)
        self.assertEqual(list(caught.exception.errors), ["category_id"])
        self.assertEqual(str(caught.exception), f"purchases.Purchase {row.pk}: category_id is required")
        self.assertEqual(Purchase.objects.count(), 0)

    def test_of_a_queryset_only_the_impossible_row_is_refused(self) -> None:
        with transaction.atomic(), self.assertLogs("finance_ingest", "WARNING"):
            Purchase.objects.bulk_create([self.purchase(1), Purchase(user=self.user, amount=2), self.purchase(3)])
            done = submit_on_commit(Purchase.objects.order_by("amount"))
        self.assertEqual((done.submitted, list(done.refused.values())), (2, ["category_id is required"]))
        self.assertEqual([row.anomaly_status for row in Purchase.objects.order_by("amount")], ["pending", "refused", "pending"])

    def test_many_of_one_transaction_go_in_one_request(self) -> None:
        with mock.patch.object(Client, "submit_many", autospec=True, side_effect=Client.submit_many) as submit_many:
            with transaction.atomic():
                for amount in range(700):
                    row = self.purchase(amount)
                    row.save()
                    submit_on_commit(row)
        self.assertLessEqual(submit_many.call_count, 3)
        self.assertEqual(Purchase.objects.filter(ingest_id=None).count(), 0)

    def test_a_list_of_rows_is_submitted_together(self) -> None:
        with transaction.atomic():
            submit_on_commit(Purchase.objects.bulk_create([self.purchase(amount) for amount in range(1, 6)]) and list(Purchase.objects.all()))
        self.assertEqual(Purchase.objects.exclude(ingest_id=None).count(), 5)

    def test_other_column_names_and_a_float_column(self) -> None:
        with transaction.atomic():
            submit_on_commit(Payment.objects.create(payer=7, kind=8, total=0.1 + 0.2))
        result = self.client_of_service.wait_for(str(Payment.objects.get().ingest_id))
        self.assertEqual((result.user_id, result.category_id, result.amount), (7, 8, Decimal("0.3")))
        self.assertLess(abs(result.occurred_at - datetime.now(timezone.utc)), timedelta(minutes=5))

    def test_the_amount_is_what_the_column_holds_whatever_the_instance_was_made_with(self) -> None:
        for amount in (12.3, "12.30", 12):
            row = self.save_and_submit(self.purchase(amount))
            row.refresh_from_db()
            self.assertEqual(self.client_of_service.wait_for(str(row.ingest_id)).amount, row.amount)

    def test_commits_can_leave_it_to_the_commands(self) -> None:
        self.use_service(shared_server().url, SUBMIT_ON_COMMIT=False)
        self.save_and_submit(self.purchase())
        self.assertEqual(OutboxEntry.objects.get().state, "waiting")


class DuplicateSaveTests(OutboxTestCase):
    def test_saved_twice_it_is_submitted_once(self) -> None:
        row = self.save_and_submit(self.purchase())
        first = Purchase.objects.get().ingest_id
        self.save_and_submit(row)
        self.save_and_submit(Purchase.objects.get())
        self.assertEqual(Purchase.objects.get().ingest_id, first)
        self.assertEqual(OutboxEntry.objects.count(), 1)

    def test_twice_in_one_transaction_it_is_submitted_once_with_the_later_amount(self) -> None:
        row = self.purchase("1")
        with transaction.atomic():
            for amount in ("1", "2"):
                row.amount = Decimal(amount)
                row.save()
                submit_on_commit(row)
        row.refresh_from_db()
        self.assertEqual(self.client_of_service.wait_for(str(row.ingest_id)).amount, 2)
        self.assertEqual(OutboxEntry.objects.count(), 1)

    def test_a_stale_instance_does_not_overwrite_what_the_service_found(self) -> None:
        row = self.save_and_submit(self.purchase())
        Purchase.objects.update(anomaly_status="anomalous", is_anomaly=True, z_score=8.0)
        ingest_id = Purchase.objects.get().ingest_id
        row.note = "edited in a form that was open meanwhile"
        row.save()
        row.save(update_fields=["note", "anomaly_status", "z_score"])
        saved = Purchase.objects.get()
        self.assertEqual("edited", saved.note[:6])
        self.assertEqual((saved.anomaly_status, saved.is_anomaly, saved.z_score, saved.ingest_id), ("anomalous", True, 8.0, ingest_id))

    def test_submitted_again_it_is_a_new_transaction_with_the_new_amount(self) -> None:
        row = self.save_and_submit(self.purchase("1"))
        first = Purchase.objects.get().ingest_id
        row.amount = Decimal(6000)
        with transaction.atomic():
            row.save()
            submit_on_commit(row, again=True)
        row.refresh_from_db()
        self.assertNotEqual(row.ingest_id, first)
        self.assertEqual(self.client_of_service.wait_for(str(row.ingest_id)).amount, 6000)

    def test_a_row_from_before_the_columns_gets_a_key_of_its_own(self) -> None:
        rows = Purchase.objects.bulk_create([self.purchase(1), self.purchase(2)])
        Purchase.objects.update(ingest_key=None)
        with transaction.atomic():
            submit_on_commit(Purchase.objects.all())
        self.assertEqual(len({row.ingest_key for row in Purchase.objects.all()}), len(rows))
        self.assertEqual(len({row.ingest_id for row in Purchase.objects.all()} - {None}), len(rows))


class OutageTests(OutboxTestCase):
    def test_down_and_back_nothing_is_lost(self) -> None:
        server = IngestServer()
        self.addCleanup(server.close)
        self.use_service(server.url, ON_COMMIT_PAUSE=0)
        for amount in (1, 2, 3):
            with self.assertLogs("finance_ingest", "WARNING"):
                self.save_and_submit(self.purchase(amount))
        self.assertEqual(Purchase.objects.filter(anomaly_status="pending", ingest_id=None).count(), 3)
        self.assertIn("can't be reached", OutboxEntry.objects.first().last_error)
        server.start()
        with Client(server.url) as client:
            self.assertEqual(drain("default", client).submitted, 3)
            self.assertEqual({client.wait_for(str(row.ingest_id)).amount for row in Purchase.objects.all()}, {1, 2, 3})

    def test_while_it_is_down_only_the_first_commit_waits_for_it(self) -> None:
        self.use_service(f"http://127.0.0.1:{free_port()}")
        with self.assertLogs("finance_ingest", "WARNING") as logged:
            for _ in range(3):
                self.save_and_submit(self.purchase())
        self.assertEqual(len(logged.output), 1)
        self.assertEqual(OutboxEntry.objects.filter(state="waiting", claimed_by=None).count(), 3)

    def test_a_wrong_setting_does_not_fail_the_request_that_saved(self) -> None:
        with self.assertLogs("finance_ingest", "ERROR"):
            with mock.patch.object(outbox, "request_client", side_effect=ImproperlyConfigured("no")):
                self.save_and_submit(self.purchase())
        self.assertEqual(OutboxEntry.objects.get().state, "waiting")

    def test_killed_after_the_submission_the_row_still_gets_the_same_id(self) -> None:
        # Killed between the service's answer and the commit of the id: the claim stays behind.
        with mock.patch.object(outbox, "_settle_accepted", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            self.save_and_submit(self.purchase())
        entry = OutboxEntry.objects.get()
        self.assertEqual((entry.state, Purchase.objects.get().ingest_id), ("waiting", None))
        self.assertEqual(drain("default", self.client_of_service).submitted, 0, "another process's claim is respected")
        OutboxEntry.objects.update(claimed_until=entry.claimed_until - outbox.LEASE * 2)
        self.assertEqual(drain("default", self.client_of_service).submitted, 1)
        again = self.client_of_service.submit(self.user.pk, 2310, 2500, idempotency_key=str(entry.ingest_key))
        self.assertEqual(str(Purchase.objects.get().ingest_id), again.id)

    def test_what_the_service_refuses_is_kept_with_the_reason_and_can_be_mended(self) -> None:
        tomorrow_week = datetime.now(timezone.utc) + timedelta(days=8)
        with self.assertLogs("finance_ingest", "WARNING"):
            row = self.save_and_submit(self.purchase(occurred_at=tomorrow_week))
        row.refresh_from_db()
        self.assertEqual(row.anomaly_status, AnomalyStatus.REFUSED)
        self.assertIn("occurred_at", OutboxEntry.objects.get().last_error)
        row.occurred_at = datetime.now(timezone.utc)
        self.save_and_submit(row)
        row.refresh_from_db()
        self.assertEqual((row.anomaly_status, row.ingest_id is None), ("pending", False))

    def test_a_row_that_was_deleted_meanwhile_is_not_submitted(self) -> None:
        self.use_service(shared_server().url, SUBMIT_ON_COMMIT=False)
        for _ in range(2):
            self.save_and_submit(self.purchase())
        deleted_by_sql, kept = Purchase.objects.order_by("pk")
        Purchase.objects.filter(pk=deleted_by_sql.pk)._raw_delete("default")
        drained = drain("default", self.client_of_service)
        self.assertEqual((drained.submitted, drained.dropped), (1, 1))
        self.assertEqual([entry.row_pk for entry in OutboxEntry.objects.all()], [str(kept.pk)])

    def test_two_at_once_submit_everything_once(self) -> None:
        self.use_service(shared_server().url, SUBMIT_ON_COMMIT=False)
        with transaction.atomic():
            submit_on_commit([row for row in Purchase.objects.bulk_create([self.purchase(1) for _ in range(1_000)]) and Purchase.objects.all()])
        counts, errors = [], []

        def run() -> None:
            try:
                counts.append(drain("default", self.client_of_service).submitted)
            except Exception as error:
                errors.append(error)
            finally:
                connections.close_all()

        with mock.patch.object(outbox, "MOST_ENTRIES", 150):
            threads = [threading.Thread(target=run) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual((errors, sum(counts)), ([], 1_000))
        self.assertEqual(Purchase.objects.filter(ingest_id=None).count(), 0)


if __name__ == "__main__":
    unittest.main()
