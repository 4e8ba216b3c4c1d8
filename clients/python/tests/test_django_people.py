"""What people say of themselves: their preferences, their deletion; and the admin's list of what they were told."""

import logging
import unittest
import uuid
from typing import Any, Dict, List
from unittest import mock

from .support.django_site import require_django

require_django()

from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils import timezone, translation
from finance_ingest import Client, ConnectionFailed
from finance_ingest.django import testing
from finance_ingest.django.following import run_round
from finance_ingest.django.models import AnomalyNotification, Erasure
from finance_ingest.django.preferences import PreferencesForm

from .site.purchases.models import Purchase
from .support.servers import IngestServer

SITE: Dict[str, Any] = {"URL": "http://127.0.0.1:9", "NOTIFICATIONS": True, "ERASE_USERS": True}
PUSH = {"type": "webpush", "endpoint": "https://push.example/abc", "keys": {"p256dh": "x", "auth": "y"}}


def commands_of(fake: Any) -> List[Any]:
    return [(exchange.method, exchange.target.split("?")[0], exchange.body) for exchange in fake.exchanges if exchange.method != "GET"]


@override_settings(FINANCE_INGEST=SITE, ROOT_URLCONF="tests.site.notified_urls")
class PreferencesTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create_user("u", "someone@home.example")
        self.client.force_login(self.user)

    def save(self, **fields: Any) -> Any:
        return self.client.post("/preferences/", {"level": "normal", "minimum_amount": "", "quiet_from": "", "quiet_until": "", **fields}, follow=True)

    def test_what_is_chosen_is_written_to_the_service_and_read_from_there(self) -> None:
        with testing.override() as fake, timezone.override("Europe/Berlin"):
            page = self.save(level="rarely", minimum_amount="20.5", by_mail="on", quiet_from="22:00", quiet_until="07:00")
            self.assertContains(page, "Saved.")
            self.assertContains(page, '<option value="rarely" selected>')
            self.assertContains(page, 'name="by_mail" id="id_by_mail" checked')
            self.assertContains(page, 'value="22:00"')
            (level,) = fake.sensitivity(user_id=self.user.pk)
            self.assertEqual((level["level"], level["minimum_amount"]), ("rarely", "20.5"))
            (own,) = fake.destinations(self.user.pk)
            self.assertEqual((own["type"], own["address"]), ("smtp", "s•••@home.example"))
            self.assertEqual(own["quiet_hours"], {"from": "22:00", "until": "07:00", "time_zone": "Europe/Berlin"})

            # The address is the account's, so nothing that is posted makes it another.
            self.save(by_mail="on", mail="stranger@elsewhere.example")
            (again,) = fake.destinations(self.user.pk)
            self.assertEqual(again["address"], "s•••@home.example")
            self.assertNotIn("quiet_hours", again)
            self.assertNotContains(self.save(), 'name="by_mail" id="id_by_mail" checked')
            self.assertEqual(fake.destinations(self.user.pk), [])

    def test_browsers_can_be_told_no_more_and_those_of_others_cannot(self) -> None:
        with testing.override() as fake:
            fake.add_destination(self.user.pk, PUSH, wait=1)
            strange = fake.add_destination(self.user.pk + 1, {**PUSH, "endpoint": "https://push.example/other"}, wait=1)
            (mine,) = fake.destinations(self.user.pk)
            self.assertContains(self.client.get("/preferences/"), "https://push.example")
            self.assertContains(self.save(forget=strange), "is not one of the available choices")
            self.save(forget=mine["id"])
            self.assertEqual((fake.destinations(self.user.pk), len(fake.destinations(self.user.pk + 1))), ([], 1))

    def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_written(self) -> None:
        with testing.override() as fake:
            for fields in ({"level": "sometimes"}, {"minimum_amount": "-1"}, {"quiet_from": "22:00"}, {"quiet_from": "22:00", "quiet_until": "22:00"}):
                self.assertContains(self.save(**fields), "errorlist")
            self.assertEqual(commands_of(fake), [])

    def test_without_an_address_of_the_account_there_are_no_mails(self) -> None:
        self.user.email = ""
        self.user.save()
        with testing.override() as fake:
            self.assertNotContains(self.client.get("/preferences/"), "by_mail")
            self.save(by_mail="on")
            self.assertEqual(fake.destinations(self.user.pk), [])

    def test_while_the_service_is_down_the_page_says_so(self) -> None:
        with testing.override() as fake, self.assertLogs("finance_ingest", logging.WARNING):
            fake.fail(ConnectionFailed("down"), times=100)
            page = self.client.get("/preferences/")
        self.assertEqual(page.status_code, 503)
        self.assertContains(page, "shown at the moment", status_code=503)

    def test_it_needs_a_login_and_speaks_german(self) -> None:
        with testing.override(), translation.override("de"), override_settings(LANGUAGE_CODE="de"):
            self.assertContains(self.client.get("/preferences/"), "Nicht bei Beträgen unter")
        self.client.logout()
        self.assertEqual(self.client.get("/preferences/").status_code, 302)

    def test_a_real_service_takes_and_shows_them(self) -> None:
        server = IngestServer().start()
        self.addCleanup(server.close)
        with Client(server.url) as client:
            form = PreferencesForm(31, "someone@home.example", {"level": "often", "by_mail": "on", "quiet_from": "22:00", "quiet_until": "07:00"}, client)
            self.assertTrue(form.is_valid() and form.save(), form.errors)
            shown = PreferencesForm(31, "someone@home.example", None, client).initial
            self.assertEqual(
                shown, {"level": "often", "minimum_amount": None, "by_mail": True, "quiet_from": "22:00", "quiet_until": "07:00"}
            )
            form = PreferencesForm(31, "no address", {"level": "never", "minimum_amount": "12.50", "by_mail": "on"}, client)
            self.assertTrue(form.is_valid())
            self.assertFalse(form.save())
            self.assertEqual(list(client.sensitivity(user_id=31))[0]["minimum_amount"], 12.5)


@override_settings(FINANCE_INGEST=SITE)
class ErasureTests(TransactionTestCase):
    def setUp(self) -> None:
        self.user = User.objects.create_user("u")
        self.number = self.user.pk
        AnomalyNotification.objects.create(user_id=self.number, transaction_id=uuid.uuid4(), title="t")

    def test_the_service_erases_a_deleted_user_once_the_deletion_has_committed(self) -> None:
        with testing.override() as fake:
            Purchase.objects.create(user=self.user, category_id=1, amount=5)
            with transaction.atomic():
                User.objects.filter(pk=self.number).delete()
                self.assertEqual(commands_of(fake)[-1][0], "POST")
            self.assertEqual(commands_of(fake)[-1][:2], ("DELETE", f"/api/users/{self.number}"))
        self.assertEqual((AnomalyNotification.objects.count(), Erasure.objects.count()), (0, 0))

    def test_a_rollback_erases_nobody(self) -> None:
        with testing.override() as fake:
            try:
                with transaction.atomic():
                    self.user.delete()
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass
            self.assertEqual(commands_of(fake), [])
        self.assertEqual((AnomalyNotification.objects.count(), Erasure.objects.count()), (1, 0))

    def test_while_the_service_is_down_the_wish_stays_and_the_sync_brings_it(self) -> None:
        with testing.override() as fake, self.assertLogs("finance_ingest", logging.ERROR):
            fake.fail(ConnectionFailed("down"), times=1)
            self.user.delete()
            self.assertEqual(Erasure.objects.get().user_id, self.number)
            run_round(fake, lambda: False, lambda _: None)
            self.assertEqual(commands_of(fake)[-1][:2], ("DELETE", f"/api/users/{self.number}"))
        self.assertEqual(Erasure.objects.count(), 0)

    def test_the_key_of_the_environment_is_used(self) -> None:
        with testing.override() as fake, mock.patch.dict("os.environ", {"FINANCE_INGEST_ADMIN_KEY": "secret"}):
            with mock.patch("finance_ingest.django.settings.make_client", return_value=fake) as made:
                self.user.delete()
        self.assertEqual(made.call_args.args[1], "secret")

    def test_unless_it_is_on_the_service_is_not_told(self) -> None:
        with testing.override() as fake, override_settings(FINANCE_INGEST={"URL": "http://127.0.0.1:9"}):
            self.user.delete()
            self.assertEqual(commands_of(fake), [])
        self.assertEqual(AnomalyNotification.objects.count(), 0)


class AdminTests(TestCase):
    def test_it_lists_what_people_were_told_and_lets_nobody_write_it(self) -> None:
        AnomalyNotification.objects.create(user_id=31, transaction_id=uuid.uuid4(), title="Unusual transaction: 6000", text="3 times the usual")
        self.client.force_login(User.objects.create_superuser("a", "a@example.com", "a"))
        address = "/admin/finance_ingest/anomalynotification/"
        self.assertContains(self.client.get(address), "Unusual transaction: 6000")
        self.assertContains(self.client.get(address + "?q=31&read_at__isempty=1"), "Unusual transaction: 6000")
        self.assertContains(self.client.get(f"{address}{AnomalyNotification.objects.get().pk}/change/"), "3 times the usual")
        self.assertEqual(self.client.get(address + "add/").status_code, 403)


if __name__ == "__main__":
    unittest.main()
