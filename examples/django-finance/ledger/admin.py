from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from finance_ingest.django.admin import AnomalyAdminMixin
from finance_ingest.django.outbox import submit_on_commit

from .models import Category, Transaction

admin.site.register(Category)


@admin.register(Transaction)
class TransactionAdmin(AnomalyAdminMixin, admin.ModelAdmin):
    """Transactions with their anomalies."""

    list_display = ["occurred_at", "user", "category", "amount"]
    list_filter = ["category"]

    def save_model(self, request: HttpRequest, obj: Transaction, form: Any, change: bool) -> None:
        # The admin saves in a transaction.atomic() of its own. An amount that was corrected is scored anew.
        super().save_model(request, obj, form, change)
        submit_on_commit(obj, again=change and "amount" in form.changed_data)
