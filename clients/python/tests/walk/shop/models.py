"""Five models that have little in common."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone
from finance_ingest import Transaction
from finance_ingest.django.mapping import number_for
from finance_ingest.django.models import AnomalyFields


class Category(models.Model):
    """What money is spent on."""

    name = models.CharField(max_length=50)

    def __str__(self):
        return self.name


class Expense(AnomalyFields):
    """1. The usual columns; the category may be missing."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.CASCADE)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    occurred_at = models.DateTimeField(default=timezone.now)
    note = models.CharField(max_length=50, blank=True)


class Ticket(AnomalyFields):
    """2. A day instead of a time, ids as text, a float as amount."""

    ingest_user_field = "owner"
    ingest_category_field = "kind"
    ingest_amount_field = "price"
    ingest_time_field = "day"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tickets")
    kind = models.CharField(max_length=20)
    price = models.FloatField()
    day = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=50, blank=True)


class Person(models.Model):
    """A user that is no user of Django's, with a UUID."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Membership(AnomalyFields):
    """3. UUIDs for users and as primary key, a text as category, cents: mapped by to_ingest."""

    ingest_select_related = ["person"]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    plan = models.CharField(max_length=20)
    cents = models.IntegerField()
    paid_at = models.DateTimeField(auto_now_add=True)
    note = models.CharField(max_length=50, blank=True)

    def to_ingest(self):
        return Transaction(
            user_id=number_for(self.person.pk), category_id=number_for(self.plan), amount=Decimal(self.cents) / 100, occurred_at=timezone.now()
        )


class Living(models.Manager):
    """Hides what was deleted."""

    def get_queryset(self):
        return super().get_queryset().filter(deleted_at=None)


class Payment(AnomalyFields):
    """4. Softly deleted, with a child in a table of its own."""

    user_id = models.PositiveBigIntegerField()
    category_id = models.PositiveBigIntegerField()
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    note = models.CharField(max_length=50, blank=True)

    objects = Living()

    def delete(self, *args, **kwargs):
        self.deleted_at = timezone.now()
        self.save(update_fields=["deleted_at"])


class CardPayment(Payment):
    """The child: the amount is the sum of two columns of both tables."""

    fee = models.DecimalField(max_digits=19, decimal_places=4, default=0)

    def to_ingest(self):
        return Transaction(self.user_id, self.category_id, self.amount + self.fee)


class Dated(AnomalyFields):
    """The abstract base of what is in the second database."""

    ingest_time_field = "booked_at"

    booked_at = models.DateTimeField()

    class Meta:
        abstract = True


class Booking(Dated):
    """5. In the second database, with a text as primary key."""

    reference = models.CharField(primary_key=True, max_length=20)
    user_id = models.IntegerField()
    category_id = models.IntegerField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    note = models.CharField(max_length=50, blank=True)


class NumberedBooking(Dated):
    """In the second database too, with a number that the database makes."""

    user_id = models.IntegerField()
    category_id = models.IntegerField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    note = models.CharField(max_length=50, blank=True)


class LargeBooking(Booking):
    """A proxy."""

    class Meta:
        proxy = True


class LedgerLine(AnomalyFields):
    """A table that Django does not manage."""

    user_id = models.IntegerField()
    category_id = models.IntegerField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        managed = False
        db_table = "ledger_lines"
