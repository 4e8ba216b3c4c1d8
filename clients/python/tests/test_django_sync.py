"""From the service to the rows."""

import threading
import unittest
import uuid
from typing import Iterator, List
from unittest import mock

from .support.django_site import require_django

require_django()

from django.core.management import CommandError, call_command
from django.db import OperationalError, connections, transaction
from finance_ingest import AccessRefused, Client, ConnectionFailed, Gone, Page, Result
from finance_ingest.django import following, sync as sync_module
from finance_ingest.django.following import follow
from finance_ingest.django.models import FeedCursor, OutboxEntry
from finance_ingest.django.outbox import drain, submit_on_commit
from finance_ingest.django.sync import apply_results, sync
from finance_ingest.errors import Problem

from .site.purchases.models import Payment, Purchase
from .support.clocks import FakeClock
from .support.servers import BASELINE, IngestServer
from .test_django_outbox import OutboxTestCase


class SyncTests(OutboxTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client_of_service.put_stats([{**BASELINE, "user_id": self.user.pk}])

    def test_every_outcome_reaches_its_row(self) -> None:
        normal, anomalous = (self.save_and_submit(self.purchase(amount)) for amount in ("2500", "6000"))
        unscored = self.purchase("5")
        unscored.category_id = 3
        self.save_and_submit(unscored)
        self.sync_until_nothing_is_pending()
        found = {row.pk: (row.anomaly_status, row.is_anomaly, row.z_score) for row in Purchase.objects.all()}
        self.assertEqual(
            found, {normal.pk: ("normal", False, 1.0), anomalous.pk: ("anomalous", True, 8.0), unscored.pk: ("unscored", False, None)}
        )
        self.assertEqual(OutboxEntry.objects.count(), 0)

    def test_ten_thousand_rows_are_submitted_and_synced(self) -> None:
        with transaction.atomic():
            Purchase.objects.bulk_create([self.purchase(6000 if number % 100 == 0 else 2500) for number in range(10_000)])
            submit_on_commit(Purchase.objects.all())
        self.sync_until_nothing_is_pending()
        self.assertEqual(Purchase.objects.filter(anomaly_status="normal", z_score=1.0, is_anomaly=False).count(), 9_900)
        self.assertEqual(Purchase.objects.filter(anomaly_status="anomalous", z_score=8.0, is_anomaly=True).count(), 100)

    def test_a_result_that_passed_before_its_id_was_stored_is_asked_for(self) -> None:
        row = self.save_and_submit(self.purchase("6000"))
        ingest_id = Purchase.objects.get().ingest_id
        self.client_of_service.wait_for(str(ingest_id))
        # The feed is read to its end by another process while the id is not yet there.
        Purchase.objects.update(ingest_id=None)
        while sync_module._read_page("default", self.client_of_service, sync_module.Synced()):
            pass
        Purchase.objects.update(ingest_id=ingest_id)
        self.assertEqual(Purchase.objects.get().anomaly_status, "pending")
        sync("default", self.client_of_service)
        self.assertEqual(Purchase.objects.get(pk=row.pk).anomaly_status, "anomalous")

    def test_a_cursor_from_before_a_restore_starts_again_and_says_so(self) -> None:
        server = IngestServer()
        self.addCleanup(server.close)
        server.start()
        self.use_service(server.url)
        with Client(server.url) as client:
            client.wait_for(str(self.ingest_id_of(self.save_and_submit(self.purchase()))))
        call_command("sync_anomalies", stdout=self.lines)
        server.stop()
        server.forget_everything()
        server.start()
        with Client(server.url) as client:
            other = client.submit(1, 1, 1)
            client.wait_for(other.id)
        call_command("sync_anomalies", stdout=self.lines, stderr=self.lines)
        self.assertIn("read again from the beginning", "".join(self.lines.written))
        self.assertTrue(FeedCursor.objects.get().cursor)
        self.assertEqual(Purchase.objects.get().anomaly_status, "unscored")

    def test_a_failure_that_is_put_right_overwrites_the_failure(self) -> None:
        row = self.save_and_submit(self.purchase())
        ingest_id = str(self.ingest_id_of(row))
        failed = Result(ingest_id, "failed", error=Problem("t", "T", 422))
        self.assertEqual(apply_results("default", [failed]), 1)
        self.assertEqual(Purchase.objects.get().anomaly_status, "failed")
        apply_results("default", [failed, Result(ingest_id, "scored", z_score=-4.5, is_anomaly=True)])
        self.assertEqual((Purchase.objects.get().anomaly_status, Purchase.objects.get().z_score), ("anomalous", -4.5))

    def test_rows_of_another_application_are_left_alone(self) -> None:
        self.assertEqual(apply_results("default", [Result(str(uuid.uuid4()), "scored", z_score=1.0)]), 0)

    def test_two_models_share_one_feed(self) -> None:
        with transaction.atomic():
            submit_on_commit(Payment.objects.create(payer=self.user.pk, kind=2310, total=2500))
        self.save_and_submit(self.purchase("6000"))
        self.sync_until_nothing_is_pending()
        self.assertEqual((Payment.objects.get().z_score, Purchase.objects.get().z_score), (1.0, 8.0))

    def test_a_page_that_another_process_overtook_is_dropped(self) -> None:
        row = self.save_and_submit(self.purchase())
        ingest_id = str(self.ingest_id_of(row))

        class Overtaken:
            """While its page is under way another process applies the next one."""

            def results(self, after: object) -> Page:
                FeedCursor.objects.update(cursor="further")
                apply_results("default", [Result(ingest_id, "scored", z_score=5.0, is_anomaly=True)])
                return Page([Result(ingest_id, "failed")], "here")

        self.assertTrue(sync_module._read_page("default", Overtaken(), sync_module.Synced()))
        self.assertEqual((Purchase.objects.get().anomaly_status, FeedCursor.objects.get().cursor), ("anomalous", "further"))

    def test_two_at_once_bring_everything_up_to_date(self) -> None:
        with transaction.atomic():
            Purchase.objects.bulk_create([self.purchase(2500) for _ in range(3_000)])
            submit_on_commit(Purchase.objects.all())
        for row in Purchase.objects.order_by("-id")[:1]:
            self.client_of_service.wait_for(str(row.ingest_id))
        FeedCursor.objects.all().delete()
        errors: List[Exception] = []

        def run() -> None:
            try:
                sync("default", self.client_of_service)
            except Exception as error:
                errors.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.sync_until_nothing_is_pending()
        self.assertEqual(Purchase.objects.filter(z_score=1.0).count(), 3_000)

    def test_a_service_that_is_down_is_a_clear_error_of_the_command(self) -> None:
        self.use_service("http://127.0.0.1:9", TIMEOUT=1)
        with self.assertRaises(CommandError) as caught:
            call_command("sync_anomalies", stdout=self.lines)
        self.assertIn("Nothing is lost", str(caught.exception))
        self.use_service("http://127.0.0.1:9", TIMEOUT=1, SUBMIT_ON_COMMIT=False)
        self.save_and_submit(self.purchase())
        with self.assertRaises(CommandError) as caught:
            call_command("submit_outbox", stdout=self.lines)
        self.assertIn("stays in the outbox", str(caught.exception))

    def test_the_outbox_is_emptied_by_either_command(self) -> None:
        for command in ("sync_anomalies", "submit_outbox"):
            self.use_service(self.client_of_service._transport.address, SUBMIT_ON_COMMIT=False)
            row = self.save_and_submit(self.purchase())
            call_command(command, stdout=self.lines)
            self.assertIsNotNone(self.ingest_id_of(row))

    @property
    def lines(self) -> "Lines":
        self.__dict__.setdefault("_lines", Lines())
        return self._lines

    def ingest_id_of(self, row: Purchase) -> object:
        return Purchase.objects.get(pk=row.pk).ingest_id

    def sync_until_nothing_is_pending(self) -> None:
        drain("default", self.client_of_service)
        for model in (Purchase, Payment):
            for ingest_id in model.objects.order_by("-id").values_list("ingest_id", flat=True)[:3]:
                self.client_of_service.wait_for(str(ingest_id))
        for _ in range(200):
            sync("default", self.client_of_service)
            if not Purchase.objects.filter(anomaly_status="pending").exists():
                return
            self.client_of_service.wait_for(str(Purchase.objects.filter(anomaly_status="pending")[0].ingest_id))
        self.fail("still pending")


class Lines:
    """Output of a command."""

    def __init__(self) -> None:
        self.written: List[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


class ClockAsStop:
    """Stops after so many waits, on a clock that does not wait."""

    def __init__(self, clock: FakeClock, waits: int) -> None:
        self.clock, self.waits = clock, waits

    def is_set(self) -> bool:
        return self.waits <= 0

    def wait(self, timeout: float) -> bool:
        self.waits -= 1
        self.clock.sleep(timeout)
        return self.is_set()


class FollowTests(OutboxTestCase):
    def follow(self, rounds: Iterator[object], waits: int) -> FakeClock:
        clock = FakeClock()
        self.notes: List[str] = []
        with mock.patch.object(following, "run_round", side_effect=rounds) as self.run_round:
            follow(self.client_of_service, ClockAsStop(clock, waits), print, self.notes.append, interval=2, idle_interval=3600, clock=clock)
        return clock

    def test_while_nothing_is_pending_the_service_is_left_alone(self) -> None:
        clock = self.follow(iter([None] * 100), waits=1_801)
        self.assertEqual(clock.seconds - 1000, 3602)
        self.assertEqual(self.run_round.call_count, 2)

    def test_while_a_row_is_pending_every_interval_has_a_round(self) -> None:
        row = self.purchase()
        row.save()
        Purchase.objects.update(anomaly_status="pending")
        self.follow(iter([None] * 100), waits=5)
        self.assertEqual(self.run_round.call_count, 5)

    def test_an_outage_is_waited_out_with_growing_pauses(self) -> None:
        down = ConnectionFailed("down.")
        clock = self.follow(iter([down] * 8 + [OperationalError("locked"), None]), waits=10)
        self.assertEqual(clock.slept, [2, 4, 8, 16, 32, 60, 60, 60, 60, 2])
        self.assertIn("Trying again in 4 seconds", self.notes[1])

    def test_a_refused_key_ends_it(self) -> None:
        refused = AccessRefused(Problem("urn:finance-ingest:problem:key", "T", 401), "GET /api/results")
        with self.assertRaises(AccessRefused):
            self.follow(iter([refused]), waits=5)

    def test_gone_at_the_very_beginning_is_no_endless_loop(self) -> None:
        client = mock.Mock(spec=Client)
        client.results.side_effect = Gone(Problem("urn:finance-ingest:problem:gone", "T", 410), "GET /api/results")
        with self.assertRaises(Gone):
            sync("default", client)


if __name__ == "__main__":
    unittest.main()
