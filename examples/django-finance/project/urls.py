from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import path
from finance_ingest.django.views import AnomalyStatusView

from ledger.models import Transaction
from ledger.views import transactions

urlpatterns = [
    path("", transactions, name="transactions"),
    path("anomaly-status/", AnomalyStatusView.as_view(model=Transaction), name="anomaly-status"),
    path("login/", LoginView.as_view(), name="login"),
    path("admin/", admin.site.urls),
]
