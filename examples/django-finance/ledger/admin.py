from django.contrib import admin
from finance_ingest.django.admin import AnomalyAdminMixin

from .models import Category, Transaction

admin.site.register(Category)


@admin.register(Transaction)
class TransactionAdmin(AnomalyAdminMixin, admin.ModelAdmin):
    """Transactions with their anomalies. What is added or corrected here is submitted by save()."""

    list_display = ["occurred_at", "user", "category", "amount"]
    list_filter = ["category"]
