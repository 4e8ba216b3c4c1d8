"""The client for other people's tests, which behaves as one of a real server does."""

import asyncio
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from finance_ingest import ConnectionFailed, Gone, IncompleteSubmission, NotFound, StillPending, TryLater, ValidationFailed, new_key
from finance_ingest.errors import Problem
from finance_ingest.testing import FakeAsyncClient, FakeClient, Outcome

from .support.servers import BASELINE

ONE = {"user_id": 1, "category_id": 2, "amount": "3.40"}


class FakeClientTests(unittest.TestCase):
    def test_what_is_sent_is_recorded_as_the_service_gets_it(self) -> None:
        client = FakeClient()
        time = datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
        client.submit(399, 2310, Decimal("6000.00"), occurred_at=time, idempotency_key="k")
        (sent,) = client.sent
        self.assertEqual((sent.user_id, sent.category_id, str(sent.amount), sent.idempotency_key), (399, 2310, "6000.00", "k"))
        self.assertEqual(sent.occurred_at, time)
        (exchange,) = client.exchanges
        self.assertEqual((exchange.method, exchange.target, exchange.body["amount"], exchange.status), ("POST", "/api/transactions", "6000.00", 200))

    def test_a_transaction_is_scored_by_the_baseline_as_the_service_does(self) -> None:
        client = FakeClient()
        self.assertEqual(client.submit(399, 2310, 6000).reason, "no_baseline")
        client.put_stats([BASELINE])
        for amount, z_score, is_anomaly in ((6000, 8.0, True), (2500, 1.0, False), (500, -3.0, False)):
            result = client.submit(399, 2310, amount)
            self.assertEqual((result.status, result.z_score, result.is_anomaly, result.baseline.mean), ("scored", z_score, is_anomaly, 2000.0))
        client.put_stats([{**BASELINE, "sample_count": 1}])
        self.assertEqual(client.submit(399, 2310, 6000).reason, "insufficient_samples")
        client.put_stats([{**BASELINE, "std_dev": 0}])
        self.assertEqual(client.submit(399, 2310, 6000).reason, "zero_variance")

    def test_a_test_says_the_score(self) -> None:
        client = FakeClient(score=8.0)
        self.assertTrue(client.submit(1, 2, 3).is_anomaly)
        client.score_with(lambda sent: -4 if sent.amount < 0 else Outcome(error="The amount is odd."))
        self.assertEqual(client.submit(1, 2, -3).z_score, -4)
        failed = client.submit(1, 2, 3)
        self.assertEqual((failed.status, failed.error.detail, failed.is_anomaly), ("failed", "The amount is odd.", False))

    def test_the_same_key_of_the_same_user_is_one_transaction(self) -> None:
        client = FakeClient()
        key = new_key()
        once = client.submit(1, 2, 3, idempotency_key=key)
        self.assertEqual(client.submit(1, 2, 3, idempotency_key=key).id, once.id)
        self.assertNotEqual(client.submit(2, 2, 3, idempotency_key=key).id, once.id)
        self.assertEqual(len(client.sent), 2)
        self.assertEqual(client.submit_many([ONE, ONE], idempotency_prefix="p").accepted, client.submit_many([ONE, ONE], idempotency_prefix="p").accepted)

    def test_what_is_held_is_pending_until_it_is_released(self) -> None:
        client = FakeClient(score=5.0)
        client.hold()
        accepted = client.submit(1, 2, 3, wait=30)
        self.assertTrue(accepted.is_pending)
        with self.assertRaises(StillPending):
            client.wait_for(accepted.id, timeout=90)
        self.assertEqual(len(client.results()), 0)
        self.assertEqual(client.status()["inbound"]["transactions"], 1)
        client.release()
        self.assertEqual(client.wait_for(accepted.id).z_score, 5.0)
        self.assertEqual([result.id for result in client.results()], [accepted.id])

    def test_the_feed_goes_on_from_its_cursor_and_a_changed_result_comes_again(self) -> None:
        client = FakeClient()
        ids = [accepted.id for accepted in client.submit_many([ONE] * 5).accepted]
        first = client.results(limit=2)
        rest = client.results(first.next)
        self.assertEqual([result.id for page in (first, rest) for result in page], ids)
        self.assertEqual((len(client.results(rest.next)), client.results(rest.next).next), (0, rest.next))
        client.settle(ids[0], 9.0)
        self.assertEqual([(result.id, result.is_anomaly) for result in client.results(rest.next)], [(ids[0], True)])
        self.assertEqual([result.id for result in client.results()], ids[1:] + ids[:1])
        client.forget_cursors()
        with self.assertRaises(Gone):
            client.results(rest.next)
        self.assertEqual(len(client.results()), 5)

    def test_anomalies_are_found_by_user_and_time(self) -> None:
        client = FakeClient(score=lambda sent: float(sent.amount))
        old, new = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (1, 2))
        for user, time in ((1, old), (1, new), (2, new)):
            client.submit(user, 2, 9, occurred_at=time)
        client.submit(1, 2, 0, occurred_at=new)
        self.assertEqual([found.occurred_at for found in client.anomalies(user_id=1)], [new, old])
        self.assertEqual([found.user_id for found in client.anomalies(since=new)], [1, 2])
        self.assertEqual([found.occurred_at for found in client.anomalies(user_id=1, until=new)], [old])
        self.assertEqual(list(client.anomalies(category_id=3)), [])

    def test_what_the_service_refuses_is_refused(self) -> None:
        client = FakeClient()
        with self.assertRaises(ValidationFailed) as caught:
            client.submit(0, 1, "1.00001", occurred_at=datetime(2226, 1, 1, tzinfo=timezone.utc), idempotency_key="k" * 256)
        self.assertEqual(set(caught.exception.problem.errors), {"user_id", "amount", "occurred_at", "idempotency_key"})
        report = client.submit_many([ONE, {**ONE, "amount": "x"}, {**ONE, "amount": 1.5}, {**ONE, "occurred_at": "soon"}])
        self.assertEqual([(rejected.index, list(rejected.errors)) for rejected in report.rejected], [(1, ["amount"]), (2, ["amount"]), (3, ["occurred_at"])])
        self.assertEqual(len(client.put_stats([{**BASELINE, "std_dev": -1}, {**BASELINE, "mean": float("nan")}, BASELINE]).rejected), 2)
        with self.assertRaises(NotFound):
            client.get("nonsense")
        self.assertEqual([result.status for result in client.get_many(["x", report.accepted[0].id])], ["unknown", "scored"])

    def test_a_test_refuses_what_it_likes(self) -> None:
        client = FakeClient()
        client.refuse({"category_id": ["is closed"]}, when=lambda fields: fields["category_id"] == 7)
        report = client.submit_many([ONE, {**ONE, "category_id": 7}])
        self.assertEqual([rejected.errors for rejected in report.rejected], [{"category_id": ["is closed"]}])

    def test_errors_come_when_they_were_announced_and_only_then(self) -> None:
        client = FakeClient()
        client.fail(ConnectionFailed("down"), times=2)
        with self.assertRaises(ConnectionFailed):
            client.submit(1, 2, 3)
        with self.assertRaises(IncompleteSubmission) as caught:
            client.submit_many([ONE])
        self.assertEqual((str(caught.exception.cause), caught.exception.report.accepted), ("down", []))
        self.assertTrue(client.submit(1, 2, 3).id)
        self.assertEqual([exchange.status for exchange in client.exchanges], [0, 0, 200])

    def test_pauses_between_repeats_take_no_time_and_are_recorded(self) -> None:
        client = FakeClient(retries=2)
        client.fail(TryLater(Problem("about:blank", "busy", 503), "POST /api/transactions", 20.0))
        client.submit(1, 2, 3)
        (pause,) = client.clock.slept
        self.assertTrue(20 <= pause <= 20.5)

    def test_everything_is_forgotten_by_a_reset(self) -> None:
        client = FakeClient(score=5.0)
        accepted = client.submit(1, 2, 3)
        client.refuse({"$": ["no"]})
        client.fail(ConnectionFailed("down"))
        client.reset()
        self.assertEqual((client.sent, client.exchanges, client.baselines), ([], [], []))
        self.assertNotEqual(client.submit(1, 2, 3).id, accepted.id)

    def test_the_asynchronous_client_has_a_fake_too(self) -> None:
        async def use() -> None:
            async with FakeAsyncClient() as client:
                results = await asyncio.gather(*(client.submit(1, 2, amount) for amount in range(20)))
                self.assertEqual({sent.id for sent in client.fake.sent}, {result.id for result in results})
                client.fake.fail(ConnectionFailed("down"))
                with self.assertRaises(ConnectionFailed):
                    await client.check()
                await client.check()

        asyncio.run(use())
