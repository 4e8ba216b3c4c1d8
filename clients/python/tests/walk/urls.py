from django.contrib import admin
from django.urls import path
from finance_ingest.django.views import AnomalyStatusView

from .shop.models import CardPayment, Expense, Membership, Ticket

urlpatterns = [
    path("admin/", admin.site.urls),
    *(path(f"status/{model.__name__.lower()}/", AnomalyStatusView.as_view(model=model)) for model in (Expense, Ticket, CardPayment, Membership)),
]
