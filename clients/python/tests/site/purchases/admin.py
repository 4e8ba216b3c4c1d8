from django.contrib import admin
from finance_ingest.django.admin import AnomalyAdminMixin

from .models import Invoice, Purchase


@admin.register(Purchase)
class PurchaseAdmin(AnomalyAdminMixin, admin.ModelAdmin):
    """Purchases with their anomalies."""

    list_display = ["id", "amount"]


@admin.register(Invoice)
class InvoiceAdmin(AnomalyAdminMixin, admin.ModelAdmin):
    """Invoices with the sentences that explain them."""

    list_display = ["id", "amount"]
