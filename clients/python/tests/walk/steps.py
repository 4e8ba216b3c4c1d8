"""
A walk through the project with each of its models: add, change, delete, admin, synchronisation, export and erasure. ``tests/test_django_walk.py`` runs
it with and without time zones, against a service in memory and a real one, and with pytest.
"""

from __future__ import annotations

import csv
import io
import tempfile
import uuid
import warnings
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Tuple
from unittest import mock, skipUnless

from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import F
from django.test import TransactionTestCase, override_settings
from django.utils import timezone as project_timezone
from finance_ingest.django.mapping import number_for
from finance_ingest.django.models import AnomalyFields, OutboxEntry, databases
from finance_ingest.django.outbox import submit_on_commit
from finance_ingest.django.rows import plain
from finance_ingest.django.settings import command_client, is_test, read_settings
from finance_ingest.testing import FakeClient

from .routers import Router
from .shop.models import Booking, CardPayment, Category, Expense, LargeBooking, LedgerLine, Membership, NumberedBooking, Payment, Person, Ticket

IS_REAL = bool(read_settings().BACKEND)


def local(moment: datetime) -> datetime:
    """A time as a project with these settings has it: naive without USE_TZ."""
    return moment if settings.USE_TZ else project_timezone.make_naive(moment, project_timezone.get_default_timezone())


class WalkCase(TransactionTestCase):
    databases = "__all__"

    def setUp(self) -> None:
        self.user = get_user_model().objects.create_superuser(f"u{uuid.uuid4().hex[:8]}", "a@example.com", "a")
        self.client.force_login(self.user)

    def use(self, **changes: Any) -> Any:
        return override_settings(FINANCE_INGEST={**settings.FINANCE_INGEST, **changes})

    def command(self, name: str, *arguments: Any, **options: Any) -> str:
        output = io.StringIO()
        call_command(name, *arguments, stdout=output, stderr=output, **options)
        return output.getvalue()

    def settle(self) -> None:
        """Waits until no row is pending."""
        self.command("sync_anomalies")
        for model in (Expense, Ticket, Membership, Payment, Booking, NumberedBooking):
            using = "second" if "Booking" in model.__name__ else "default"
            pending = plain(model, using).filter(anomaly_status="pending")
            for ingest_id in list(pending.values_list("ingest_id", flat=True)):
                command_client().wait_for(str(ingest_id))
                self.command("sync_anomalies")
            self.assertEqual(list(pending), [])


class Walk:
    """The walk. The amounts are those of a baseline with a mean of 2000 and a deviation of 500."""

    model: Any
    using = "default"

    def setUp(self) -> None:
        super().setUp()
        user, category = self.numbers()
        command_client().put_stats([{"user_id": user, "category_id": category, "mean": 2000.0, "std_dev": 500.0, "sample_count": 40}])

    # What each model says for itself.

    def numbers(self) -> Tuple[int, int]:
        """The user's and the category's number at the service."""
        raise NotImplementedError

    def unsaved(self, amount: int) -> Any:
        raise NotImplementedError

    def set_amount(self, row: Any, amount: int) -> None:
        row.amount = Decimal(amount)

    def form(self, amount: int, row: Any = None) -> Dict[str, Any]:
        """The fields of the admin's form."""
        raise NotImplementedError

    # Helpers.

    def make(self, amount: int) -> Any:
        row = self.unsaved(amount)
        row.save()
        return row

    def state(self, row: Any) -> Tuple[Any, ...]:
        found = plain(self.model, self.using).get(pk=row.pk)
        return found.anomaly_status, found.is_anomaly, found.z_score

    def rows(self) -> List[Any]:
        return list(plain(self.model, self.using).all())

    def entries(self) -> Any:
        return OutboxEntry.objects.using(self.using)

    def page(self, *parts: Any) -> str:
        return "/".join(["/admin/shop", self.model._meta.model_name, *map(str, parts)]) + "/"

    def export(self) -> List[Dict[str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "stats.csv")
            self.command("export_anomaly_stats", str(path), model=self.model._meta.label)
            return list(csv.DictReader(path.open()))

    # The walk.

    def test_what_is_added_is_scored(self) -> None:
        usual, strange = self.make(2500), self.make(6000)
        self.assertEqual((self.state(usual), usual.anomaly_status), (("pending", False, None), "pending"))
        self.settle()
        self.assertEqual((self.state(usual), self.state(strange)), (("normal", False, 1.0), ("anomalous", True, 8.0)))
        self.assertEqual(self.entries().count(), 0)

    def test_what_is_added_in_the_admin_is_scored(self) -> None:
        answer = self.client.post(self.page("add"), self.form(6000))
        self.assertEqual(answer.status_code, 302, getattr(answer, "context", None) and answer.context["errors"])
        (row,) = self.rows()
        self.assertEqual(self.state(row), ("pending", False, None))
        self.settle()
        self.assertEqual(self.state(row), ("anomalous", True, 8.0))
        self.assertContains(self.client.get(self.page()), "anomalous (z = 8.0)")

    def test_what_is_changed_in_the_admin_is_scored_anew_and_a_note_is_not(self) -> None:
        row = self.make(2500)
        self.settle()
        before = self.rows()[0].ingest_id
        self.client.post(self.page(row.pk, "change"), {**self.form(2500, self.rows()[0]), "note": "a note"})
        self.assertEqual(self.state(row), ("normal", False, 1.0))
        self.assertEqual(self.rows()[0].note, "a note")
        self.client.post(self.page(row.pk, "change"), self.form(6000, self.rows()[0]))
        self.assertEqual(self.state(row), ("pending", False, None))
        self.settle()
        self.assertEqual(self.state(row), ("anomalous", True, 8.0))
        self.assertNotEqual(self.rows()[0].ingest_id, before)

    def test_an_edited_list_and_the_actions_work(self) -> None:
        row = self.make(2500)
        self.settle()
        before = self.rows()[0].ingest_id
        form = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-note": "x", "_save": "Save", f"form-0-{self.model._meta.pk.name}": row.pk}
        self.client.post(self.page(), form)
        self.assertEqual((self.rows()[0].note, self.state(row)), ("x", ("normal", False, 1.0)))
        answer = self.client.post(self.page(), {"action": "ingest_submit", "_selected_action": [row.pk]}, follow=True)
        self.assertContains(answer, "1 row was submitted before, as it is.")
        answer = self.client.post(self.page(), {"action": "ingest_score_again", "_selected_action": [row.pk]}, follow=True)
        self.assertContains(answer, "1 row was submitted.")
        self.settle()
        self.assertEqual(self.state(row), ("normal", False, 1.0))
        self.assertNotEqual(self.rows()[0].ingest_id, before)

    def test_what_is_changed_by_save_is_scored_anew_whatever_the_instance_knew(self) -> None:
        row = self.make(2500)
        self.settle()
        stale = self.rows()[0]
        self.set_amount(row, 6000)
        row.save()
        self.settle()
        self.assertEqual(self.state(row), ("anomalous", True, 8.0))
        # A form that was open meanwhile writes the old amount back.
        stale.save()
        self.settle()
        self.assertEqual(self.state(row), ("normal", False, 1.0))

    def test_what_update_has_changed_is_found_by_submit_missing_and_is_in_no_baseline_before(self) -> None:
        rows = [self.make(amount) for amount in (1900, 2100, 2500)]
        self.settle()
        changed = rows[2]
        self.set_amount(changed, 6000)
        column = {name: getattr(changed, name) for name in ("amount", "price", "cents") if hasattr(changed, name)}
        plain(self.model, self.using).filter(pk=changed.pk).update(**column)
        self.assertEqual([row["sample_count"] for row in self.export()], ["2"])
        self.assertIn("1 changed", self.command("submit_missing", dry_run=True))
        self.assertEqual(self.state(changed), ("normal", False, 1.0))
        self.assertIn("0 new, 1 changed, 0 deleted, 0 lost", self.command("submit_missing", model=self.model._meta.label))
        self.settle()
        self.assertEqual(self.state(changed), ("anomalous", True, 8.0))
        self.assertIn("0 new, 0 changed, 0 deleted, 0 lost", self.command("submit_missing", model=self.model._meta.label))

    def test_a_copy_is_another_transaction(self) -> None:
        row = self.make(6000)
        self.settle()
        copy = self.rows()[0]
        copy.pk = None
        copy._state.adding = True
        for link in filter(None, self.model._meta.parents.values()):
            setattr(copy, link.attname, None)
            setattr(copy, link.remote_field.model._meta.pk.attname, None)
        if isinstance(copy, Booking):
            copy.pk = "copy"
        copy.save()
        self.assertEqual(self.state(copy), ("pending", False, None))
        self.settle()
        self.assertEqual((self.state(copy), len({one.ingest_id for one in self.rows()})), (("anomalous", True, 8.0), 2))
        self.assertEqual(self.state(row), ("anomalous", True, 8.0))

    def test_what_is_deleted_is_neither_submitted_nor_matched(self) -> None:
        for delete in (self.delete_instance, self.delete_in_admin, self.delete_selected_in_admin):
            with self.use(SUBMIT_ON_COMMIT=False):
                row = self.make(6000)
            self.assertEqual(self.entries().count(), 1)
            delete(row)
            self.assertEqual(self.entries().count(), 0)
            scored = self.make(6000)
            ingest_id = plain(self.model, self.using).get(pk=scored.pk).ingest_id
            delete(scored)
            command_client().wait_for(str(ingest_id))
            self.settle()
            self.assertEqual([one.anomaly_status for one in self.rows() if one.should_ingest()], [])
            self.assertEqual(self.export(), [])

    def delete_instance(self, row: Any) -> None:
        row.delete()

    def delete_in_admin(self, row: Any) -> None:
        self.client.post(self.page(row.pk, "delete"), {"post": "yes"})

    def delete_selected_in_admin(self, row: Any) -> None:
        self.client.post(self.page(), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})

    def test_the_export_goes_through_the_mapping_and_takes_what_is_normal(self) -> None:
        for amount in (1900, 2100, 6000):
            self.make(amount)
        self.settle()
        with self.use(SUBMIT_ON_COMMIT=False):
            self.make(9999)
        (baseline,) = self.export()
        user, category = self.numbers()
        self.assertEqual((int(baseline["user_id"]), int(baseline["category_id"])), (user, category))
        self.assertEqual((float(baseline["mean"]), int(baseline["sample_count"])), (2000.0, 2))

    def test_the_first_baselines_come_from_what_nobody_has_scored(self) -> None:
        history = [self.unsaved(amount) for amount in (1000, 2000, 3000)]
        for row in history:
            row.ingest_on_save = False
            row.save()
        self.assertEqual([row["sample_count"] for row in self.export()], ["3"])
        self.make(2500)
        self.settle()
        late = self.unsaved(9999)
        late.ingest_on_save = False
        late.save()
        (baseline,) = self.export()
        self.assertEqual((baseline["mean"], baseline["sample_count"]), ("2125.0", "4"))

    def test_what_is_made_in_bulk_is_submitted_also_without_primary_keys(self) -> None:
        if self.model._meta.parents:
            self.skipTest("Django has no bulk_create for models with a parent")
        features = type(connections[self.using].features)
        gives_keys = features.can_return_rows_from_bulk_insert
        features.can_return_rows_from_bulk_insert = False
        try:
            with transaction.atomic(using=self.using):
                rows = self.model._default_manager.bulk_create([self.unsaved(2500), self.unsaved(6000)])
                done = submit_on_commit(rows)
        finally:
            features.can_return_rows_from_bulk_insert = gives_keys
        self.assertEqual((done.submitted, [row.anomaly_status for row in rows]), (2, ["pending", "pending"]))
        self.settle()
        self.assertEqual(sorted(row.anomaly_status for row in self.rows()), ["anomalous", "normal"])

    def test_what_is_made_in_bulk_and_forgotten_is_found_by_submit_missing(self) -> None:
        if self.model._meta.parents:
            self.skipTest("Django has no bulk_create for models with a parent")
        self.model._default_manager.bulk_create([self.unsaved(6000)])
        self.assertEqual([row.anomaly_status for row in self.rows()], [""])
        self.assertIn("1 new", self.command("submit_missing", model=self.model._meta.label))
        self.settle()
        self.assertEqual([row.anomaly_status for row in self.rows()], ["anomalous"])

    def test_erasing_a_person_leaves_nothing_in_the_outbox(self) -> None:
        with self.use(SUBMIT_ON_COMMIT=False):
            self.make(6000)
        self.erase()
        self.assertEqual([self.rows(), list(self.entries().all())], [[], []])

    def erase(self) -> None:
        plain(self.model, self.using).all().delete()


class ExpenseWalk(Walk, WalkCase):
    model = Expense

    def setUp(self) -> None:
        self.category = Category.objects.create(name="Food")
        super().setUp()

    def numbers(self) -> Tuple[int, int]:
        return self.user.pk, self.category.pk

    def unsaved(self, amount: int) -> Expense:
        return Expense(user=self.user, category=self.category, amount=Decimal(amount))

    def form(self, amount: int, row: Any = None) -> Dict[str, Any]:
        moment = project_timezone.localtime(row.occurred_at) if row and settings.USE_TZ else row.occurred_at if row else None
        day, time = (moment.date(), moment.time()) if moment else ("2026-01-02", "03:04:05")
        return {"user": self.user.pk, "category": self.category.pk, "amount": amount, "occurred_at_0": day, "occurred_at_1": time}

    def erase(self) -> None:
        self.user.delete()

    def test_without_a_category_it_is_saved_and_refused_with_the_reason(self) -> None:
        with self.assertLogs("finance_ingest", "WARNING"):
            answer = self.client.post(self.page("add"), {**self.form(5), "category": ""})
        self.assertEqual(answer.status_code, 302)
        (row,) = self.rows()
        self.assertEqual((self.state(row)[0], self.entries().get().last_error), ("refused", "category_id is required"))
        self.assertEqual(self.export(), [])
        self.client.post(self.page(row.pk, "change"), self.form(2500, row))
        self.settle()
        self.assertEqual(self.state(row), ("normal", False, 1.0))

    def test_what_is_made_with_text_and_naive_values_is_submitted_as_it_is_stored(self) -> None:
        forms: List[Dict[str, Any]] = [
            {"occurred_at": "2026-03-01 07:37"},
            {"occurred_at": "2026-03-01T07:37:00+01:00"},
            {"occurred_at": datetime(2026, 3, 1, 7, 37)},
            {"user": None, "user_id": str(self.user.pk), "category": None, "category_id": str(self.category.pk), "occurred_at": "2026-03-01 07:37"},
            {"amount": "12.30", "occurred_at": datetime(2026, 3, 1, 6, 37, tzinfo=timezone.utc)},
            {"amount": 12.3, "occurred_at": "2026-03-01 07:37:00"},
        ]
        for fields in forms:
            if not settings.USE_TZ and ("+" in str(fields["occurred_at"]) or getattr(fields["occurred_at"], "tzinfo", None)):
                continue  # SQLite takes no time zone then.
            values = {"user": self.user, "category": self.category, "amount": "12.30", **fields}
            row = Expense(**{name: value for name, value in values.items() if value is not None})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                row.save()
            found = command_client().wait_for(str(plain(Expense, "default").get(pk=row.pk).ingest_id))
            self.assertEqual(found.occurred_at, datetime(2026, 3, 1, 6, 37, tzinfo=timezone.utc), fields)
            self.assertEqual((found.amount, found.user_id, found.category_id), (Decimal("12.3"), self.user.pk, self.category.pk))

    def test_a_date_is_its_midnight(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            row = Expense(user=self.user, category=self.category, amount=1, occurred_at=date(2026, 7, 1))
            row.save()
        found = command_client().wait_for(str(plain(Expense, "default").get(pk=row.pk).ingest_id))
        self.assertEqual(found.occurred_at, datetime(2026, 6, 30, 22, tzinfo=timezone.utc))

    def test_an_expression_is_submitted_as_the_number_that_it_has_become(self) -> None:
        row = self.make(2000)
        self.settle()
        row.amount = F("amount") * 3
        row.save()
        self.settle()
        self.assertEqual(self.state(row), ("anomalous", True, 8.0))
        # On an instance that was not read back the mapping asks the database.
        row.amount = F("amount") + 1
        self.assertEqual(row.to_ingest().amount, Decimal("6000.00"))

    def test_a_user_who_is_erased_takes_his_entries_along(self) -> None:
        other = get_user_model().objects.create(username="other")
        with self.use(SUBMIT_ON_COMMIT=False):
            self.make(1)
            kept = Expense.objects.create(user=other, category=self.category, amount=2)
        self.user.delete()
        self.assertEqual([entry.row_pk for entry in self.entries().all()], [str(kept.pk)])
        self.assertNotIn(f'"user_id": {self.user.pk or ""},', "".join(entry.transaction for entry in self.entries().all()))

    def test_the_status_view_shows_a_user_his_own_rows(self) -> None:
        row = self.make(2500)
        self.assertEqual([one["id"] for one in self.client.get("/status/expense/", {"id": [row.pk]}).json()["rows"]], [str(row.pk)])
        # SQLite can't compare with such a number; PostgreSQL finds no row.
        self.assertIn(self.client.get("/status/expense/", {"id": [10**30]}).status_code, (200, 400))


class TicketWalk(Walk, WalkCase):
    model = Ticket

    def numbers(self) -> Tuple[int, int]:
        return self.user.pk, 31

    def unsaved(self, amount: int) -> Ticket:
        return Ticket(owner=self.user, kind="31", price=float(amount), day=date(2026, 3, 29))

    def set_amount(self, row: Ticket, amount: int) -> None:
        row.price = float(amount)

    def form(self, amount: int, row: Any = None) -> Dict[str, Any]:
        return {"owner": self.user.pk, "kind": "31", "price": amount, "day": "2026-03-29"}

    def erase(self) -> None:
        self.user.delete()

    def test_a_day_is_midnight_of_the_projects_time_zone(self) -> None:
        for day, instant in (
            (date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=timezone.utc)),
            (date(2026, 7, 1), datetime(2026, 6, 30, 22, tzinfo=timezone.utc)),
        ):
            row = self.unsaved(5)
            row.day = day
            row.save()
            self.assertEqual(command_client().wait_for(str(plain(Ticket, "default").get(pk=row.pk).ingest_id)).occurred_at, instant)

    def test_a_kind_that_is_no_number_is_refused_with_the_reason(self) -> None:
        row = self.unsaved(5)
        row.kind = "food"
        with self.assertLogs("finance_ingest", "WARNING"):
            row.save()
        self.assertEqual(row.anomaly_status, "refused")
        self.assertIn("category_id must be a whole number", self.entries().get().last_error)

    def test_the_status_view_finds_the_user_by_the_models_own_column(self) -> None:
        row = self.make(5)
        self.assertEqual([one["id"] for one in self.client.get("/status/ticket/", {"id": [row.pk]}).json()["rows"]], [str(row.pk)])


class MembershipWalk(Walk, WalkCase):
    model = Membership

    def setUp(self) -> None:
        self.person = Person.objects.create()
        super().setUp()

    def numbers(self) -> Tuple[int, int]:
        return number_for(self.person.pk), number_for("gold")

    def unsaved(self, amount: int) -> Membership:
        return Membership(person=self.person, plan="gold", cents=amount * 100)

    def set_amount(self, row: Membership, amount: int) -> None:
        row.cents = amount * 100

    def form(self, amount: int, row: Any = None) -> Dict[str, Any]:
        return {"person": self.person.pk, "plan": "gold", "cents": amount * 100}

    def erase(self) -> None:
        self.person.delete()

    def test_a_mapping_that_raises_refuses_the_row_and_not_the_save(self) -> None:
        with self.assertLogs("finance_ingest", "WARNING"):
            row = self.unsaved(1)
            original, Membership.to_ingest = Membership.to_ingest, lambda self: {}["no"]
            try:
                row.save()
            finally:
                Membership.to_ingest = original
        self.assertEqual(row.anomaly_status, "refused")
        self.assertIn("to_ingest raises KeyError: 'no'", self.entries().get().last_error)

    def test_another_users_rows_need_a_rule_of_the_projects_own(self) -> None:
        with self.assertRaisesMessage(ImproperlyConfigured, "get_queryset"):
            self.client.get("/status/membership/", {"id": [uuid.uuid4()]})


class PaymentWalk(Walk, WalkCase):
    model = Payment

    def numbers(self) -> Tuple[int, int]:
        return 7_000_000_000, 12

    def unsaved(self, amount: int) -> Any:
        user, category = self.numbers()
        return self.model(user_id=user, category_id=category, amount=Decimal(amount))

    def form(self, amount: int, row: Any = None) -> Dict[str, Any]:
        user, category = self.numbers()
        return {"user_id": user, "category_id": category, "amount": amount, "fee": "0"}

    def test_what_is_softly_deleted_is_withdrawn_and_comes_back_when_it_is_restored(self) -> None:
        row = self.make(6000)
        self.settle()
        row.delete()
        self.assertEqual((self.state(row), row.anomaly_status), (("withdrawn", False, None), "withdrawn"))
        self.settle()
        self.assertEqual(self.state(row), ("withdrawn", False, None))
        row.deleted_at = None
        row.save()
        self.settle()
        self.assertEqual(self.state(row), ("anomalous", True, 8.0))

    def test_a_soft_deletion_by_update_is_in_no_baseline_and_is_withdrawn_by_submit_missing(self) -> None:
        row = self.make(2500)
        self.settle()
        self.model.objects.filter(pk=row.pk).update(deleted_at=local(datetime.now(timezone.utc)))
        self.assertEqual(self.export(), [])
        self.assertIn("1 deleted", self.command("submit_missing", model="shop.Payment"))
        self.assertEqual(self.state(row), ("withdrawn", False, None))

    def test_a_submission_under_way_does_not_bring_a_withdrawn_row_back(self) -> None:
        with self.use(SUBMIT_ON_COMMIT=False):
            row = self.make(6000)
        submit_many = type(command_client()).submit_many

        def while_it_is_deleted(client: Any, transactions: Any, **options: Any) -> Any:
            report = submit_many(client, list(transactions), **options)
            row.delete()
            return report

        with mock.patch.object(type(command_client()), "submit_many", while_it_is_deleted):
            self.command("submit_outbox")
        self.settle()
        self.assertEqual((self.state(row), self.entries().count()), (("withdrawn", False, None), 0))


class CardPaymentWalk(PaymentWalk):
    model = CardPayment

    def test_what_a_child_is_counts_also_when_its_parent_is_saved(self) -> None:
        row = CardPayment.objects.create(user_id=self.numbers()[0], category_id=12, amount=2000, fee=500)
        self.settle()
        self.assertEqual(self.state(row), ("normal", False, 1.0))
        parent = Payment.objects.get(pk=row.pk)
        parent.note = "seen as a payment"
        parent.save()
        self.assertEqual(self.state(row), ("normal", False, 1.0))
        parent.amount = Decimal(5500)
        parent.save()
        self.settle()
        self.assertEqual(self.state(row), ("anomalous", True, 8.0))
        self.assertIn("0 new, 0 changed", self.command("submit_missing", model="shop.Payment"))
        Payment.objects.create(user_id=self.numbers()[0], category_id=12, amount=2500)
        self.settle()
        self.command("submit_missing", all=True)
        rows = [(baseline["mean"], baseline["sample_count"]) for baseline in self.export_of(Payment)]
        self.assertEqual(rows, [("2500.0", "1")])

    def export_of(self, model: Any) -> List[Dict[str, str]]:
        self.model, before = model, self.model
        try:
            return self.export()
        finally:
            self.model = before


class BookingWalk(Walk, WalkCase):
    model: Any = Booking
    using = "second"

    def numbers(self) -> Tuple[int, int]:
        return 5, 12

    def unsaved(self, amount: int) -> Any:
        fields = {} if self.model is NumberedBooking else {"reference": f"B/{uuid.uuid4().hex[:10]}"}
        return self.model(user_id=5, category_id=12, amount=Decimal(amount), booked_at=local(datetime(2026, 1, 1, tzinfo=timezone.utc)), **fields)

    def form(self, amount: int, row: Any = None) -> Dict[str, Any]:
        fields = {} if self.model is NumberedBooking else {"reference": row.pk if row else "A 1"}
        return {"user_id": 5, "category_id": 12, "amount": amount, "booked_at_0": "2026-01-01", "booked_at_1": "01:00:00", **fields}

    def page(self, *parts: Any) -> str:
        return super().page(*map(quote, parts))

    def test_its_outbox_is_in_its_own_database(self) -> None:
        with self.use(SUBMIT_ON_COMMIT=False):
            self.make(1)
        self.assertEqual([OutboxEntry.objects.using(name).count() for name in ("default", "second")], [0, 1])
        self.assertEqual(databases(), ["default", "second"])


class NumberedBookingWalk(BookingWalk):
    model = NumberedBooking


class LargeBookingWalk(BookingWalk):
    """Through the proxy."""

    model = LargeBooking


class ShardTests(WalkCase):
    def shard(self) -> Any:
        """Lets both databases hold numbered bookings, as a router does that looks at the instance."""

        def allow_migrate(router: Any, using: str, app: str, model_name: Any = None, **hints: Any) -> bool:
            return model_name == "numberedbooking" or before(router, using, app, model_name, **hints)

        before = Router.allow_migrate
        return mock.patch.object(Router, "allow_migrate", allow_migrate)

    def book(self, using: str) -> NumberedBooking:
        row = NumberedBooking(user_id=5, category_id=12, amount=7, booked_at=local(datetime(2026, 1, 1, tzinfo=timezone.utc)))
        row.save(using=using)
        return row

    def setUp(self) -> None:
        super().setUp()
        with connections["default"].schema_editor() as editor:
            editor.create_model(NumberedBooking)

    def tearDown(self) -> None:
        with connections["default"].schema_editor() as editor:
            editor.delete_model(NumberedBooking)

    def test_a_database_that_is_named_is_submitted_and_synchronised_too(self) -> None:
        with self.shard(), self.use(DATABASES=["default"]):
            rows = {using: self.book(using) for using in ("default", "second")}
            for using, row in rows.items():
                command_client().wait_for(str(plain(NumberedBooking, using).get(pk=row.pk).ingest_id))
            self.command("sync_anomalies")
            states = [plain(NumberedBooking, using).get(pk=row.pk).anomaly_status for using, row in rows.items()]
            self.assertNotIn("pending", states)
            self.assertNotIn("", states)

    def test_a_database_that_is_not_named_is_left_alone_and_told(self) -> None:
        with self.shard(), self.assertLogs("finance_ingest", "WARNING") as logged:
            row = self.book("default")
        self.assertEqual(plain(NumberedBooking, "default").get(pk=row.pk).anomaly_status, "")
        self.assertIn("DATABASES", logged.output[0])


class UnmanagedTests(WalkCase):
    def test_a_table_of_another_program_is_submitted_by_submit_missing(self) -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("INSERT INTO ledger_lines (user_id, category_id, amount) VALUES (5, 6, 7)")
        self.addCleanup(plain(LedgerLine, "default").all().delete)
        self.assertIn("1 rows from before the app were left alone", self.command("submit_missing", model="shop.LedgerLine"))
        self.assertIn("1 new", self.command("submit_missing", model="shop.LedgerLine", all=True))
        self.assertIsNotNone(LedgerLine.objects.get().ingest_id)


@skipUnless(not IS_REAL, "the service in memory is not used")
class InMemoryTests(WalkCase):
    def test_nothing_reaches_the_address_in_the_settings(self) -> None:
        self.assertTrue(is_test())
        self.assertIsInstance(command_client(), FakeClient)


class VersionTests(WalkCase):
    def test_a_row_of_version_0_1_0_is_scored_anew_when_it_is_changed_and_left_alone_otherwise(self) -> None:
        category = Category.objects.create(name="Food")
        row = Expense.objects.create(user=self.user, category=category, amount=1, occurred_at=local(datetime.now(timezone.utc) - timedelta(days=1)))
        self.settle()
        # The keys of 0.1.0 are random.
        plain(Expense, "default").update(ingest_key=uuid.uuid4())
        before = Expense.objects.get().ingest_id
        row = Expense.objects.get()
        row.note = "x"
        row.save()
        self.assertEqual(Expense.objects.get().ingest_id, before)
        plain(Expense, "default").update(ingest_key=uuid.uuid4())
        row = Expense.objects.get()
        row.amount = 2
        row.save()
        self.assertNotEqual(Expense.objects.get().ingest_id, before)

    def test_rows_of_every_kind_are_instances_of_the_mixin(self) -> None:
        self.assertTrue(all(issubclass(model, AnomalyFields) for model in (Expense, Ticket, Membership, CardPayment, LargeBooking)))
