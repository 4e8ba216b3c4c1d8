"""Signals, checks, the service in memory, keys, texts and the upgrade from 0.1.0."""

import gettext
import io
import os
import re
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, List
from unittest import mock

from .support.django_site import require_django

require_django()

from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import models, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.utils import timezone as project_timezone, translation
from finance_ingest import Client, ConnectionFailed, Transaction
from finance_ingest import django as package
from finance_ingest.django import testing
from finance_ingest.django.backends import current_fake
from finance_ingest.django.checks import check_columns, check_settings
from finance_ingest.django.commands import erase_user, give_feedback, set_sensitivity, withdraw
from finance_ingest.django.mapping import aware, content_of, json_of, key_for, number_for, stands_for
from finance_ingest.django.models import OutboxEntry
from finance_ingest.django.outbox import submit, submit_on_commit
from finance_ingest.django.settings import command_client, request_client
from finance_ingest.django.signals import anomaly_found, result_received
from finance_ingest.django.templatetags.finance_ingest import describe
from finance_ingest.testing import FakeClient, Outcome

from .site.purchases.models import Payment, Purchase


class SignalTests(TransactionTestCase):
    def setUp(self) -> None:
        self.heard: List[Any] = []
        self.user = User.objects.create(username="u")

    def listen(self, signal: Any, receiver: Any) -> None:
        signal.connect(receiver, weak=False)
        self.addCleanup(signal.disconnect, receiver)

    def note(self, sender: Any, instance: Any, result: Any, using: str, signal: Any, **_: Any) -> None:
        name = "anomaly" if signal is anomaly_found else "result"
        in_transaction = transaction.get_connection(using).in_atomic_block
        self.heard.append((name, sender, instance.amount, instance.anomaly_status, result.z_score, using, in_transaction))

    def spend(self, amount: int) -> Purchase:
        return Purchase.objects.create(user=self.user, category_id=1, amount=amount)

    def test_they_are_sent_once_for_each_new_answer_after_the_commit(self) -> None:
        self.listen(result_received, self.note)
        self.listen(anomaly_found, self.note)
        with testing.override(score=lambda sent: 8.0 if sent.amount > 100 else 1.0) as fake:
            self.spend(5)
            self.spend(500)
            testing.deliver()
            self.assertEqual(
                self.heard,
                [
                    ("result", Purchase, Decimal(5), "normal", 1.0, "default", False),
                    ("result", Purchase, Decimal(500), "anomalous", 8.0, "default", False),
                    ("anomaly", Purchase, Decimal(500), "anomalous", 8.0, "default", False),
                ],
            )
            # The feed is read again after a restore, and an anomaly gets another score.
            fake.forget_cursors()
            testing.deliver()
            self.assertEqual(len(self.heard), 3)
            fake.settle(testing.outbox()[1].id, 9.0)
            testing.deliver()
        self.assertEqual([(name, score) for name, _, _, _, score, _, _ in self.heard[3:]], [("result", 9.0)])

    def test_a_receiver_that_raises_stops_neither_the_others_nor_the_synchronisation(self) -> None:
        def broken(**_: Any) -> None:
            raise ZeroDivisionError("broken")

        self.listen(result_received, broken)
        self.listen(result_received, self.note)
        with testing.override(score=1.0), self.assertLogs("finance_ingest", "ERROR") as logged:
            row = self.spend(5)
            testing.deliver()
        row.refresh_from_db()
        self.assertEqual((row.anomaly_status, len(self.heard)), ("normal", 1))
        self.assertIn("ZeroDivisionError", logged.output[0])

    def test_nothing_is_sent_for_a_page_that_is_rolled_back(self) -> None:
        self.listen(result_received, self.note)
        self.spend(5)
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            testing.deliver.__globals__["drain"]("default", current_fake())
            testing.deliver.__globals__["sync"]("default", current_fake())
            raise ZeroDivisionError
        self.assertEqual(self.heard, [])


class MemoryTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create(username="u")

    def spend(self, amount: object = 5) -> Purchase:
        return Purchase.objects.create(user=self.user, category_id=1, amount=amount)

    def test_it_is_there_by_itself_and_the_settings_can_name_another(self) -> None:
        self.assertIsInstance(command_client(), FakeClient)
        self.assertIsInstance(request_client(), FakeClient)
        with override_settings(FINANCE_INGEST={}):
            self.assertIsInstance(command_client(), FakeClient)
        with override_settings(FINANCE_INGEST={"URL": "http://127.0.0.1:9", "BACKEND": "finance_ingest.django.backends.http"}):
            self.assertIs(type(command_client()), Client)
            self.assertIs(command_client(), command_client())

    def test_a_site_that_keeps_its_mails_in_memory_is_no_test(self) -> None:
        self.assertTrue(hasattr(mail, "outbox"))
        with mock.patch("django.test.utils._TestState", type("NotSetUp", (), {})):
            with override_settings(FINANCE_INGEST={"URL": "http://127.0.0.1:9"}):
                self.assertIs(type(command_client()), Client)

    def test_captured_callbacks_submit_to_it(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            row = self.spend(7)
        self.assertEqual([(sent.amount, sent.user_id) for sent in testing.outbox()], [(7, self.user.pk)])
        row.refresh_from_db()
        self.assertEqual((row.anomaly_status, str(row.ingest_id)), ("pending", testing.outbox()[0].id))

    def test_each_test_finds_it_empty(self) -> None:
        self.spend()
        testing.deliver()
        first = testing.client()
        self.assertEqual(len(testing.outbox()), 1)
        # What Django does at the beginning of the next test.
        with mock.patch.object(mail, "outbox", []):
            self.assertEqual(testing.outbox(), [])
            self.assertIsNot(testing.client(), first)
            # The cursor of the row before is not taken for one of this service.
            self.spend(6)
            self.assertEqual(testing.deliver().updated, 1)

    def test_results_are_scripted_and_the_override_ends(self) -> None:
        with testing.override(score=Outcome(error="no such user")):
            row = self.spend()
            testing.deliver()
        row.refresh_from_db()
        self.assertEqual(row.anomaly_status, "failed")
        self.spend(6)
        testing.deliver()
        self.assertEqual(list(Purchase.objects.order_by("pk").values_list("anomaly_status", flat=True)), ["failed", "unscored"])
        with testing.override(SUBMIT_ON_SAVE=False):
            self.assertEqual(self.spend(7).anomaly_status, "")

    def test_it_can_hold_back_refuse_and_fail(self) -> None:
        fake = testing.client()
        fake.hold()
        row = self.spend()
        self.assertEqual((testing.deliver().submitted, Purchase.objects.get().anomaly_status), (1, "pending"))
        fake.release()
        testing.deliver()
        self.assertEqual(Purchase.objects.get().anomaly_status, "unscored")
        fake.fail(ConnectionFailed("down."))
        row.amount = Decimal(6)
        row.save()
        with self.assertRaises(ConnectionFailed):
            testing.deliver()
        self.assertEqual(testing.deliver().submitted, 1)
        fake.refuse({"amount": ["is odd"]})
        row.amount = Decimal(7)
        row.save()
        with self.assertLogs("finance_ingest", "WARNING"):
            self.assertEqual(testing.deliver().refused, 1)
        self.assertEqual(OutboxEntry.objects.get().last_error, "amount is odd")

    def test_baselines_are_put_to_it(self) -> None:
        with testing.override(SUBMIT_ON_SAVE=False):
            for amount in (1, 2, 3):
                self.spend(amount)
        call_command("export_anomaly_stats", put=True, model="purchases.Purchase", stdout=io.StringIO(), stderr=io.StringIO())
        (baseline,) = testing.client().baselines
        self.assertEqual((baseline["user_id"], baseline["mean"], baseline["std_dev"], baseline["sample_count"]), (self.user.pk, 2.0, 1.0, 3))


class CommandTests(TestCase):
    def test_commands_about_a_row_reach_the_service_under_its_id(self) -> None:
        row = Purchase.objects.create(user=User.objects.create(username="u"), category_id=2, amount=Decimal("3.40"))
        self.assertRaisesMessage(ValueError, "has no id at the service yet", give_feedback, row, "expected")
        fake = current_fake()
        row.ingest_id = uuid.UUID(fake.submit(1, 2, "3.40").id)
        self.assertEqual(give_feedback(row, "expected", wait=1).feedback, "expected")
        self.assertTrue(set_sensitivity([{"user_id": 1, "level": "rarely"}], wait=1))
        self.assertTrue(withdraw(row, wait=1))
        self.assertTrue(erase_user(1, wait=1))
        self.assertEqual(fake.get_many([str(row.ingest_id)])[0].status, "purged")


class CheckTests(SimpleTestCase):
    def messages(self, model: Any, **names: Any) -> List[str]:
        patches = [mock.patch.object(model, name, value, create=True) for name, value in names.items()]
        for patch in patches:
            patch.start()
        try:
            return [f"{message.id} {message.msg} {message.hint}" for message in check_settings()]
        finally:
            for patch in patches:
                patch.stop()

    def test_a_model_that_is_right_is_no_message(self) -> None:
        self.assertEqual(self.messages(Purchase), [])

    def test_a_misspelt_name_is_an_error_with_the_name_that_is_probably_meant(self) -> None:
        for names, words in (
            ({"ingest_time_field": "ocurred_at"}, "E002 Purchase has no column 'ocurred_at'. Is it 'occurred_at'?"),
            ({"ingest_amount_field": "amout"}, "E002 Purchase has no column 'amout'. Is it 'amount'?"),
            ({"ingest_deleted_field": "gone"}, "E002 Purchase has no column 'gone' for ingest_deleted_field."),
            ({"ingest_ammount_field": "amount"}, "E004 Purchase.ingest_ammount_field is no name that AnomalyFields knows. Is it ingest_amount_field?"),
            ({"ingest_time_field": "category_id"}, "E005 Purchase.category_id can't hold a time."),
            ({"ingest_amount_field": "user"}, "E005 Purchase.user can't hold an amount."),
            ({"ingest_user_field": "ingest_id"}, "E005 Purchase.ingest_id is a UUID"),
        ):
            (message,) = self.messages(Purchase, **names)
            self.assertIn(words, message)

    def test_an_attribute_that_is_no_column_is_right(self) -> None:
        with mock.patch.object(Purchase, "total", property(lambda self: self.amount * 2), create=True):
            self.assertEqual(self.messages(Purchase, ingest_amount_field="total"), [])

    def test_a_manager_that_hides_rows_is_a_warning_unless_the_model_says_what_is_deleted(self) -> None:
        class Hiding(models.Manager):
            def get_queryset(self) -> Any:
                return super().get_queryset().filter(note="")

        manager = Hiding()
        manager.model = Purchase
        with mock.patch.object(Purchase._meta, "managers", (manager,)), mock.patch.dict(Purchase._meta.__dict__, {"default_manager": manager}):
            (message,) = self.messages(Purchase)
            self.assertIn("W003", message)
            self.assertEqual(self.messages(Purchase, ingest_deleted_field="note"), [])
            self.assertEqual(self.messages(Purchase, should_ingest=lambda self: True), [])


class ColumnCheckTests(TestCase):
    def test_a_table_that_was_not_migrated_is_a_warning(self) -> None:
        self.assertEqual(check_columns(databases=["default"]), [])
        with mock.patch.object(Purchase._meta, "db_table", "auth_user"):
            (message,) = check_columns(databases=["default"])
        self.assertIn("auth_user does not have the columns is_anomaly, z_score, anomaly_status, ingest_id, ingest_key", message.msg)
        self.assertIn("makemigrations", message.hint)


class KeyTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create(username="u")

    def test_a_key_stands_for_its_content_alone(self) -> None:
        keys = [key_for("a") for _ in range(2_000)]
        self.assertEqual(len(set(keys)), 2_000)
        self.assertEqual({key.version for key in keys}, {7})
        self.assertTrue(all(stands_for(key, "a") for key in keys))
        self.assertFalse(any(stands_for(key, "b") for key in keys))
        self.assertIsNone(stands_for(uuid.uuid4(), "a"))

    def test_the_content_is_what_the_service_would_see_differently(self) -> None:
        moment = datetime(2026, 1, 1, tzinfo=timezone.utc)

        def content(**fields: Any) -> str:
            row = Purchase(**{"user_id": 1, "category_id": 2, "amount": Decimal("3.40"), "occurred_at": moment, **fields})
            return content_of(row, json_of(row, ""))

        same = content()
        elsewhere = moment.astimezone(timezone(timedelta(hours=5)))
        for fields in ({"amount": "3.4000"}, {"amount": 3.4}, {"note": "x"}, {"user_id": "1"}, {"occurred_at": elsewhere}):
            self.assertEqual(content(**fields), same, fields)
        for fields in ({"amount": "3.41"}, {"category_id": 3}, {"user_id": 2}, {"occurred_at": moment + timedelta(microseconds=1)}, {"occurred_at": None}):
            self.assertNotEqual(content(**fields), same, fields)

    def test_a_time_that_each_save_fills_is_no_change(self) -> None:
        with mock.patch.object(Purchase._meta.get_field("occurred_at"), "auto_now", True):
            row = Purchase.objects.create(user=self.user, category_id=1, amount=1)
            row.note = "x"
            row.save()
        self.assertEqual(OutboxEntry.objects.count(), 1)
        self.assertEqual(OutboxEntry.objects.get().ingest_key, row.ingest_key)

    def test_a_key_of_the_projects_own_is_kept_until_the_row_changes(self) -> None:
        mapped = Payment.to_ingest

        def to_ingest(self: Payment) -> Transaction:
            found = mapped(self)
            return Transaction(found.user_id, found.category_id, found.amount, idempotency_key=f"payment-{self.pk}")

        with mock.patch.object(Payment, "to_ingest", to_ingest):
            row = Payment.objects.create(payer=1, kind=2, total=3.5)
            testing.deliver()
            row.total = 4.5
            row.save()
            testing.deliver()
        own, other = (sent.idempotency_key for sent in testing.outbox())
        self.assertEqual(own, f"payment-{row.pk}")
        self.assertRegex(other, rf"^payment-{row.pk}:[0-9a-f-]{{36}}$")

    def test_naive_times_are_those_of_the_project_also_when_the_clocks_change(self) -> None:
        with override_settings(TIME_ZONE="Europe/Berlin"):
            for naive, instant in (
                (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 11)),
                (datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 1, 30)),
                (datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 0, 30)),
            ):
                self.assertEqual(aware(naive), instant.replace(tzinfo=timezone.utc))
        self.assertEqual(str(project_timezone.get_default_timezone()), "Asia/Kolkata")

    def test_a_number_for_a_text_is_always_the_same_and_in_the_services_range(self) -> None:
        self.assertEqual(number_for("food"), 4751339767078512845)
        self.assertEqual(number_for(uuid.UUID(int=1)), number_for("00000000-0000-0000-0000-000000000001"))
        self.assertTrue(all(1 <= number_for(text) < 2**63 for text in map(str, range(1_000))))


class UseTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create(username="u")

    def test_submit_opens_the_transaction_itself(self) -> None:
        Purchase.objects.bulk_create([Purchase(user=self.user, category_id=1, amount=amount) for amount in (1, 2)])
        with self.captureOnCommitCallbacks(execute=True):
            done = submit(Purchase.objects.all())
        self.assertEqual((done.submitted, len(testing.outbox())), (2, 2))
        self.assertEqual(submit(Purchase.objects.all()).unchanged, 2)

    def test_rows_of_bulk_create_that_the_database_ignored_are_no_error(self) -> None:
        kept = Purchase.objects.create(user=self.user, category_id=1, amount=1)
        rows = [Purchase(pk=kept.pk, user=self.user, category_id=1, amount=2), Purchase(user=self.user, category_id=1, amount=3)]
        with transaction.atomic():
            Purchase.objects.bulk_create(rows, ignore_conflicts=True)
            submit_on_commit(rows)
        testing.deliver()
        self.assertEqual(sorted(sent.amount for sent in testing.outbox()), [1, 3])

    def test_what_has_no_mixin_is_told(self) -> None:
        for rows in (User.objects.all(), [self.user]):
            with self.assertRaisesMessage(TypeError, "AnomalyFields"):
                submit_on_commit(rows)

    def test_fixtures_are_not_submitted(self) -> None:
        Purchase(user=self.user, category_id=1, amount=1).save_base(raw=True)
        self.assertEqual((Purchase.objects.get().anomaly_status, OutboxEntry.objects.count()), ("", 0))

    def test_a_rule_that_raises_refuses_the_row_and_not_the_save(self) -> None:
        with mock.patch.object(Purchase, "should_ingest", lambda self: 1 / 0), self.assertLogs("finance_ingest", "WARNING"):
            row = Purchase.objects.create(user=self.user, category_id=1, amount=1)
        self.assertEqual(row.anomaly_status, "refused")
        self.assertIn("should_ingest raises ZeroDivisionError", OutboxEntry.objects.get().last_error)

    def test_what_does_not_belong_to_the_service_is_left_out_and_withdrawn_later(self) -> None:
        with mock.patch.object(Purchase, "should_ingest", lambda self: self.amount < 0):
            income = Purchase.objects.create(user=self.user, category_id=1, amount=1)
            spending = Purchase.objects.create(user=self.user, category_id=1, amount=-1)
            self.assertEqual((income.anomaly_status, spending.anomaly_status), ("", "pending"))
            spending.amount = Decimal(2)
            spending.save()
            self.assertEqual((spending.anomaly_status, OutboxEntry.objects.count()), ("withdrawn", 0))

    def test_other_columns_are_saved_without_a_look_at_the_outbox(self) -> None:
        row = Purchase.objects.create(user=self.user, category_id=1, amount=1)
        with self.assertNumQueries(1):
            row.save(update_fields=["note"])

    def test_a_pending_row_whose_entry_was_lost_is_submitted_again(self) -> None:
        Purchase.objects.create(user=self.user, category_id=1, amount=1)
        OutboxEntry.objects.all().delete()
        output = io.StringIO()
        call_command("submit_missing", model="purchases.purchase", stdout=output)
        self.assertIn("1 lost", output.getvalue())
        self.assertEqual([sent.amount for sent in testing.outbox()], [1])
        # The feed has passed its result, in a backup of this database for example.
        OutboxEntry.objects.all().delete()
        call_command("submit_missing", stdout=output)
        self.assertIn("1 answered", output.getvalue())
        self.assertEqual(Purchase.objects.get().anomaly_status, "unscored")

    def test_rows_before_a_time_are_left_alone(self) -> None:
        old = datetime(2020, 1, 1, tzinfo=timezone.utc)
        Purchase.objects.bulk_create([Purchase(user=self.user, category_id=1, amount=1, occurred_at=moment) for moment in (old, old + timedelta(days=9))])
        call_command("submit_missing", since="2020-01-05", stdout=io.StringIO())
        self.assertEqual(list(Purchase.objects.order_by("occurred_at").values_list("anomaly_status", flat=True)), ["", "pending"])
        for since in ("yesterday", "2020-13-45"):
            with self.assertRaisesMessage(CommandError, "--since"):
                call_command("submit_missing", since=since)


class UpgradeTests(TransactionTestCase):
    def test_the_migrations_of_0_1_0_lead_to_these_and_a_waiting_entry_of_then_is_submitted(self) -> None:
        call_command("migrate", "finance_ingest", "0001", verbosity=0)
        user = User.objects.create(username="u")
        key = uuid.uuid4()
        Purchase.objects.bulk_create([Purchase(user=user, category_id=1, amount=5, ingest_key=key, anomaly_status="pending")])
        text = f'{{"user_id": {user.pk}, "category_id": 1, "amount": "5.0000", "idempotency_key": "{key}"}}'
        OutboxEntry.objects.create(row_model="purchases.purchase", row_pk=str(Purchase.objects.get().pk), ingest_key=key, transaction=text)
        call_command("migrate", "finance_ingest", verbosity=0)
        testing.deliver()
        self.assertEqual([sent.idempotency_key for sent in testing.outbox()], [str(key)])
        self.assertEqual(Purchase.objects.get().anomaly_status, "unscored")

    def test_no_project_needs_a_migration_of_its_own(self) -> None:
        # The migrations of the tests' project and of the example were written by 0.1.0.
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)


class TextTests(SimpleTestCase):
    FOLDER = Path(package.__file__).parent / "locale" / "de" / "LC_MESSAGES"

    def test_a_badge_speaks_the_language_of_the_request(self) -> None:
        row = Purchase(anomaly_status="anomalous", is_anomaly=True, z_score=8.04)
        self.assertEqual(describe(row)["text"], "anomalous (z = 8.0)")
        with translation.override("de"), override_settings(USE_L10N=True):
            self.assertEqual(describe(row)["text"], "auffällig (z = 8,0)")

    def test_the_compiled_texts_are_those_of_the_source_and_none_is_missing(self) -> None:
        with open(self.FOLDER / "django.mo", "rb") as file:
            compiled = gettext.GNUTranslations(file)._catalog
        source = (self.FOLDER / "django.po").read_text(encoding="utf-8")
        self.assertNotIn("fuzzy", source)
        entries = re.findall(r'^msgid ((?:".*"\n)+)(?:msgid_plural (?:".*"\n)+)?((?:msgstr(?:\[\d\])? (?:".*"\n?)+)+)', source, re.M)
        self.assertGreater(len(entries), 25)
        for msgid, _ in entries[1:]:
            text = "".join(re.findall(r'"(.*)"', msgid)).replace('\\"', '"')
            self.assertTrue(compiled.get(text) or compiled.get((text, 0)), text)

    def test_every_text_of_the_app_is_in_the_source(self) -> None:
        source = (self.FOLDER / "django.po").read_text(encoding="utf-8")
        known = {"".join(re.findall(r'"(.*)"', msgid)) for msgid in re.findall(r'^msgid(?:_plural)? ((?:".*"\n)+)', source, re.M)}
        found = 0
        for file in Path(package.__file__).parent.rglob("*.py"):
            for text in re.findall(r'(?:\b_|gettext_lazy)\(\s*"([^"]+)"', file.read_text(encoding="utf-8")):
                found += 1
                self.assertIn(text, known, f"{os.path.basename(file)}: run makemessages and translate")
        self.assertGreater(found, 25)
