from django.conf import settings
from django.db import models
from finance_ingest.django.models import AnomalyFields, ExplainedAnomalyFields


class Purchase(AnomalyFields):
    """The usual case: columns with the usual names."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    category_id = models.BigIntegerField(null=True)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    occurred_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=50, blank=True)


class Payment(AnomalyFields):
    """Columns with names of its own, and an amount that is a float, as the older system's users have."""

    ingest_user_field = "payer"
    ingest_category_field = "kind"
    ingest_amount_field = "total"

    payer = models.BigIntegerField()
    kind = models.BigIntegerField()
    total = models.FloatField()


class Invoice(ExplainedAnomalyFields):
    """Rows that say what they were measured by, and why."""

    user_id = models.BigIntegerField()
    category_id = models.BigIntegerField()
    amount = models.DecimalField(max_digits=19, decimal_places=4)


class Receipt(ExplainedAnomalyFields):
    """Leaves out some of the columns, and has one of its own with the name of another."""

    baseline_count = None
    anomaly_surprise = None
    anomaly_reason = models.CharField(max_length=20, default="the project's own")

    user_id = models.BigIntegerField()
    category_id = models.BigIntegerField()
    amount = models.DecimalField(max_digits=19, decimal_places=4)
