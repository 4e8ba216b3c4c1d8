"""Commands, at the client for tests and at a real server, which answer alike."""

import asyncio
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar

from finance_ingest import EXPECTED, UNEXPECTED, Client, ConfigurationError, Gone, NotFound, Sensitivity, ValidationFailed
from finance_ingest.testing import FakeAsyncClient, FakeClient

from .support.servers import IngestServer

USER = 16_016


class CommandTests:
    """What both must do; each test uses a user of its own."""

    client: ClassVar[Client]
    user = USER

    def setUp(self: Any) -> None:
        CommandTests.user += 1
        self.user = CommandTests.user

    def test_a_verdict_is_on_the_result_and_can_be_taken_back(self: Any) -> None:
        scored = self.client.submit(self.user, 7, "12.50", wait=30)
        self.assertEqual(self.client.feedback(scored.id, EXPECTED, wait=30).feedback, EXPECTED)
        self.assertEqual(self.client.get(scored.id).feedback, EXPECTED)
        self.assertEqual(self.client.feedback(scored.id, UNEXPECTED, wait=30).feedback, UNEXPECTED)
        self.assertIsNone(self.client.feedback(scored.id, None, wait=30).feedback)
        self.assertIsNone(self.client.feedback(scored.id, EXPECTED))

    def test_a_withdrawn_transaction_is_gone(self: Any) -> None:
        scored = self.client.submit(self.user, 7, 12, wait=30)
        self.assertTrue(self.client.withdraw(scored.id, wait=30))
        self.assertRaises(Gone, self.client.get, scored.id)
        self.assertEqual(self.client.get_many([scored.id])[0].status, "purged")
        self.assertRaises(NotFound, self.client.withdraw, "0191c5a6-0000-7000-8000-000000000000")

    def test_what_is_replaced_is_gone(self: Any) -> None:
        old = self.client.submit(self.user, 7, 12, wait=30)
        report = self.client.submit_many([{"user_id": self.user, "category_id": 7, "amount": 13, "replaces": old.id}])
        self.client.wait_for(report.accepted[0].id)
        self.assertRaises(Gone, self.client.get, old.id)

    def test_settings_are_set_listed_and_removed(self: Any) -> None:
        until = datetime.now(timezone.utc) + timedelta(days=1)
        settings = [Sensitivity("rarely", self.user, 7, Decimal("12.5")), {"level": "never", "user_id": self.user, "until": until}]
        self.assertTrue(self.client.set_sensitivity(settings, wait=30))
        listed = list(self.client.sensitivity(user_id=self.user))
        self.assertEqual([(one["level"], one.get("category_id"), "until" in one) for one in listed], [("never", None, True), ("rarely", 7, False)])
        self.assertTrue(self.client.remove_sensitivity(user_id=self.user, category_id=7, wait=30))
        self.assertTrue(self.client.remove_sensitivity(user_id=self.user, wait=30))
        self.assertEqual(list(self.client.sensitivity(user_id=self.user)), [])

    def test_addresses_are_added_listed_masked_and_removed(self: Any) -> None:
        first = self.client.add_destination(self.user, {"type": "smtp", "address": "someone@home.example", "minimum_surprise": 100}, wait=30)
        again = self.client.add_destination(self.user, {"type": "smtp", "address": "Someone@home.example"}, wait=30)
        self.assertNotEqual(first, again)
        listed = self.client.destinations(self.user)
        self.assertEqual([(one["id"], one["type"], one["address"]) for one in listed], [(again, "smtp", "S•••@home.example")])
        self.assertTrue(self.client.remove_destination(self.user, again, wait=30))
        self.assertTrue(self.client.remove_destination(self.user, again, wait=30))
        self.assertEqual(self.client.destinations(self.user), [])
        self.assertRaises(ValidationFailed, self.client.add_destination, self.user, {"type": "http"})
        self.assertRaises(ValidationFailed, self.client.add_destination, self.user, {"type": "smtp", "address": "nobody"})
        self.assertRaises(NotFound, self.client.remove_destination, self.user, "x")

    def test_an_address_has_its_id_before_it_is_added(self: Any) -> None:
        added = self.client.add_destination(self.user, {"type": "smtp", "address": "someone@home.example"})
        self.assertFalse(self.client.remove_destination(self.user, added))
        self.assertTrue(self.client.remove_destination(self.user, added, wait=30))
        self.assertEqual(self.client.destinations(self.user), [])

    def test_an_erased_person_is_gone_and_may_come_again(self: Any) -> None:
        scored = self.client.submit(self.user, 7, 12, wait=30)
        self.assertTrue(self.client.erase_user(self.user, wait=30))
        self.assertEqual(self.client.erasure(self.user), "done")
        self.assertRaises(Gone, self.client.get, scored.id)
        self.assertEqual(self.client.submit(self.user, 7, 12, wait=30).status, "scored")

    def test_a_history_is_submitted_apart(self: Any) -> None:
        occurred_at = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
        report = self.client.submit_many([{"user_id": self.user, "category_id": 7, "amount": 13, "occurred_at": occurred_at}], history=True)
        self.assertEqual(self.client.wait_for(report.accepted[0].id).occurred_at, occurred_at)


class FakeCommandTests(CommandTests, unittest.TestCase):
    client = FakeClient()

    def test_the_verdict_of_a_pending_transaction_waits_for_its_score(self) -> None:
        client = FakeClient(score=8.0)
        client.hold()
        pending = client.submit(1, 2, 3)
        self.assertTrue(client.feedback(pending.id, EXPECTED, wait=1).is_pending)
        client.release()
        self.assertEqual((client.get(pending.id).feedback, client.get(pending.id).is_anomaly), (EXPECTED, True))

    def test_thousands_of_settings_are_sent_in_several_requests(self) -> None:
        client = FakeClient()
        client.set_sensitivity(Sensitivity("never", user) for user in range(1, 2_502))
        self.assertEqual([len(exchange.body) for exchange in client.exchanges], [1000, 1000, 501])

    def test_what_can_t_be_sent_is_said_before_anything_is(self) -> None:
        client = FakeClient()
        for setting in ({"level": "never", "user": 1}, Sensitivity("never", user_id="x"), Sensitivity("never", minimum_amount=1.5)):
            self.assertRaises(ConfigurationError, client.set_sensitivity, [setting])
        self.assertRaises(ConfigurationError, client.set_sensitivity, [Sensitivity("never", until=datetime(2027, 1, 1))])
        self.assertRaises(ConfigurationError, client.erase_user, None)
        self.assertRaises(ConfigurationError, client.destinations, None)
        for address in ({"type": object()}, {"minimum_surprise": float("nan")}):
            self.assertRaises(ConfigurationError, client.add_destination, 1, address)
        self.assertEqual(client.exchanges, [])

    def test_each_of_them_can_be_awaited(self) -> None:
        async def run() -> None:
            async with FakeAsyncClient() as client:
                scored = await client.submit(1, 2, 3)
                self.assertEqual((await client.feedback(scored.id, EXPECTED, wait=1)).feedback, EXPECTED)
                self.assertTrue(await client.set_sensitivity([Sensitivity("never", 1)], wait=1))
                self.assertEqual([one["level"] async for one in client.sensitivity()], ["never"])
                self.assertTrue(await client.remove_sensitivity(user_id=1, wait=1))
                self.assertTrue(await client.withdraw(scored.id, wait=1))
                address = await client.add_destination(1, {"type": "smtp", "address": "someone@home.example"})
                self.assertEqual([one["id"] for one in await client.destinations(1)], [address])
                self.assertTrue(await client.remove_destination(1, address, wait=1))
                self.assertTrue(await client.erase_user(1, wait=1))
                self.assertEqual(await client.erasure(1), "done")

        asyncio.run(run())


class ServerCommandTests(CommandTests, unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = IngestServer().start()
        cls.client = Client(cls.server.url)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()
        cls.server.stop()

    def test_what_the_service_refuses_is_said(self) -> None:
        self.assertRaises(ValidationFailed, self.client.set_sensitivity, [Sensitivity("loud", 1)])
        scored = self.client.submit(self.user, 7, 12, wait=30)
        self.assertRaises(ValidationFailed, self.client.feedback, scored.id, "fine")
