from django.contrib import admin
from finance_ingest.django.admin import AnomalyAdminMixin

from .models import Purchase


@admin.register(Purchase)
class PurchaseAdmin(AnomalyAdminMixin, admin.ModelAdmin):
    """Purchases with their anomalies."""

    list_display = ["id", "amount"]
