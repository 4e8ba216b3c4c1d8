from django.contrib import admin
from finance_ingest.django.admin import AnomalyAdminMixin

from .models import Booking, CardPayment, Expense, LargeBooking, Membership, NumberedBooking, Payment, Ticket


class ShopAdmin(AnomalyAdminMixin, admin.ModelAdmin):
    """The lists have a column that can be edited."""

    list_display = ["pk", "note"]
    list_editable = ["note"]


admin.site.register([Expense, Ticket, Membership, Payment, CardPayment, Booking, NumberedBooking, LargeBooking], ShopAdmin)
