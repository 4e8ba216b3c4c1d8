"""The client against a real server."""

import asyncio
import threading
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from finance_ingest import AccessRefused, AsyncClient, Client, InvalidTransaction, NotFound, StillPending, Transaction, ValidationFailed

from .support.servers import BASELINE, IngestServer, shared_server


class ClientTests(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client(shared_server().url)
        self.addCleanup(self.client.close)

    def test_a_submission_that_waits_has_its_result(self) -> None:
        result = self.client.submit(399, 2310, Decimal("6000.00"), wait=30)
        self.assertEqual((result.status, result.z_score, result.is_anomaly, result.amount), ("scored", 8.0, True, Decimal(6000)))
        self.assertEqual(result.baseline.mean, 2000.0)

    def test_a_submission_is_waited_for_by_its_id(self) -> None:
        accepted = self.client.submit(399, 2310, "2500")
        self.assertEqual(self.client.wait_for(accepted.id).z_score, 1.0)
        self.assertEqual(self.client.get(accepted.id).status, "scored")

    def test_the_largest_amount_arrives_digit_for_digit(self) -> None:
        amount = Decimal("922337203685477.5807")
        self.assertEqual(self.client.submit(399, 1, amount, wait=30).amount, amount)

    def test_a_time_arrives_as_the_same_instant(self) -> None:
        time = datetime(2026, 3, 1, 9, 30, 0, 123456, timezone(timedelta(hours=5, minutes=30)))
        self.assertEqual(self.client.submit(399, 1, 1, occurred_at=time, wait=30).occurred_at, time)

    def test_the_same_key_is_the_same_transaction(self) -> None:
        key = str(uuid.uuid4())
        self.assertEqual(self.client.submit(399, 1, 5, idempotency_key=key).id, self.client.submit(399, 1, 5, idempotency_key=key).id)

    def test_without_a_key_two_submissions_are_two_transactions(self) -> None:
        self.assertNotEqual(self.client.submit(399, 1, 5).id, self.client.submit(399, 1, 5).id)

    def test_what_the_service_refuses_is_told_by_field(self) -> None:
        with self.assertRaises(ValidationFailed) as caught:
            self.client.submit(0, 1, "1.00001")
        self.assertEqual(set(caught.exception.problem.errors), {"user_id", "amount"})
        self.assertEqual(caught.exception.problem.type, "urn:finance-ingest:problem:validation")

    def test_an_id_that_was_never_issued_is_not_found(self) -> None:
        with self.assertRaises(NotFound):
            self.client.get("nonsense/../x")

    def test_many_are_cut_and_reported_by_their_index(self) -> None:
        report = self.client.submit_many(Transaction(399, 1, -1 if index == 10_500 else "nonsense" if index == 7 else index) for index in range(12_000))
        self.assertEqual(len(report.accepted), 11_999)
        self.assertEqual([(rejected.index, list(rejected.errors)) for rejected in report.rejected], [(7, ["amount"])])
        last = report.accepted[-1]
        self.assertEqual((last.index, self.client.wait_for(last.id).amount), (11_999, Decimal(11_999)))

    def test_many_with_the_same_prefix_are_the_same_transactions(self) -> None:
        prefix = str(uuid.uuid4())
        transactions = [{"user_id": 399, "category_id": 1, "amount": amount} for amount in (1, 2, 3)]
        once = self.client.submit_many(transactions, idempotency_prefix=prefix)
        again = self.client.submit_many(iter(transactions), idempotency_prefix=prefix)
        self.assertEqual(once.accepted, again.accepted)

    def test_nothing_acceptable_is_a_report_and_no_error(self) -> None:
        report = self.client.submit_many([
            {"user_id": 399, "category_id": 1},
            {"user_id": 399, "category_id": 1, "amount": 1.5},
            7,
            {"user_id": 0, "category_id": 1, "amount": 1},
        ])
        self.assertEqual([rejected.index for rejected in report.rejected], [0, 1, 2, 3])

    def test_results_of_many_come_in_the_order_asked(self) -> None:
        ids = [accepted.id for accepted in self.client.submit_many({"user_id": 399, "category_id": 1, "amount": n} for n in range(1_100)).accepted]
        asked = ["x", *reversed(ids)]
        results = self.client.get_many(asked)
        self.assertEqual([result.id for result in results], asked)
        self.assertEqual(results[0].status, "unknown")

    def test_the_feed_is_read_page_by_page_to_its_end(self) -> None:
        wanted = {accepted.id for accepted in self.client.submit_many({"user_id": 398, "category_id": 1, "amount": n} for n in range(25)).accepted}
        for one in wanted:
            self.client.wait_for(one)
        cursor, seen = None, []
        while True:
            page = self.client.results(cursor, limit=1_000)
            cursor = page.next
            if not page.results:
                break
            seen += [result.id for result in page]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertLessEqual(wanted, set(seen))
        self.assertEqual(self.client.results(cursor).next, cursor)

    def test_anomalies_are_found_by_user_and_time(self) -> None:
        user = 1 + uuid.uuid4().int % 2**40
        self.client.put_stats([{**BASELINE, "user_id": user}])
        old, new = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (1, 2))
        for time in (old, new):
            self.client.submit(user, 2310, 9000, occurred_at=time, wait=30)
        self.client.submit(user, 2310, 2000, occurred_at=new, wait=30)
        self.assertEqual([found.occurred_at for found in self.client.anomalies(user_id=user)], [new, old])
        self.assertEqual([found.occurred_at for found in self.client.anomalies(user_id=user, since=new)], [new])
        self.assertEqual([found.occurred_at for found in self.client.anomalies(user_id=user, until=new)], [old])

    def test_baselines_are_inserted_updated_and_refused(self) -> None:
        user = 1 + uuid.uuid4().int % 2**40
        good = {**BASELINE, "user_id": user}
        self.assertEqual(self.client.put_stats([good]).inserted, 1)
        report = self.client.put_stats([good, {**good, "std_dev": -1}, {**good, "mean": float("nan")}])
        self.assertEqual((report.inserted, report.updated, [rejected.index for rejected in report.rejected]), (0, 1, [1, 2]))
        self.assertEqual(len(self.client.put_stats([{**good, "std_dev": -1}]).rejected), 1)

    def test_many_threads_use_one_client(self) -> None:
        ids, errors = [], []

        def submit() -> None:
            try:
                ids.extend(self.client.submit(399, 1, 1).id for _ in range(20))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=submit) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual(len(set(ids)), 160)

    def test_a_check_asks_for_readiness_and_key(self) -> None:
        self.client.check()

    def test_the_asynchronous_client_does_the_same(self) -> None:
        async def use() -> None:
            async with AsyncClient(shared_server().url, concurrency=4) as client:
                results = await asyncio.gather(*(client.submit(399, 2310, 6000, wait=30) for _ in range(8)))
                self.assertEqual({result.z_score for result in results}, {8.0})
                report = await client.submit_many([Transaction(399, 2310, 2500)])
                self.assertEqual((await client.wait_for(report.accepted[0].id)).z_score, 1.0)
                self.assertEqual((await client.get(results[0].id)).status, "scored")
                self.assertEqual(len(await client.get_many([results[0].id, "x"])), 2)
                self.assertEqual(len(await client.results(limit=3)), 3)
                self.assertTrue([found async for found in client.anomalies(user_id=399)])
                self.assertEqual((await client.put_stats([BASELINE])).updated, 1)
                await client.check()
                with self.assertRaises(InvalidTransaction):
                    await client.submit(399, 1, 1.5)

        asyncio.run(use())


class KeyTests(unittest.TestCase):
    def test_keys_and_scopes(self) -> None:
        server = IngestServer(FinanceIngest__ApiKeys__web__Secret="s3cret", FinanceIngest__ApiKeys__web__Scopes="submit,read")
        self.addCleanup(server.close)
        server.start()
        Client(server.url, "s3cret").submit(1, 1, 1)
        with self.assertRaises(AccessRefused) as caught:
            Client(server.url, "wrong").submit(1, 1, 1)
        self.assertEqual(caught.exception.status, 401)
        with self.assertRaises(AccessRefused) as caught:
            Client(server.url, "s3cret").put_stats([BASELINE])
        self.assertEqual(caught.exception.status, 403)
        with self.assertRaises(AccessRefused):
            Client(server.url).check()

    def test_without_a_scorer_waiting_ends_in_still_pending(self) -> None:
        server = IngestServer(FinanceIngest__Roles="intake")
        self.addCleanup(server.close)
        server.start()
        client = Client(server.url)
        accepted = client.submit(1, 1, 1, wait=1)
        self.assertTrue(accepted.is_pending)
        with self.assertRaises(StillPending) as caught:
            client.wait_for(accepted.id, timeout=0.1)
        self.assertEqual(caught.exception.result.id, accepted.id)
