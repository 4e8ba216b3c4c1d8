from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import path
from finance_ingest.django import webhooks
from finance_ingest.django.views import AnomalyStatusView, NotificationCountView, NotificationsView, PreferencesView

from ledger.models import Transaction
from ledger.views import transactions

urlpatterns = [
    path("", transactions, name="transactions"),
    path("anomaly-status/", AnomalyStatusView.as_view(model=Transaction), name="anomaly-status"),
    path("finance-ingest/webhook/", webhooks.receive),
    path("notifications/", NotificationsView.as_view(template_name="ledger/notifications.html"), name="notifications"),
    path("notifications/count/", NotificationCountView.as_view(), name="notification-count"),
    path("preferences/", PreferencesView.as_view(template_name="ledger/preferences.html"), name="preferences"),
    path("login/", LoginView.as_view(), name="login"),
    path("admin/", admin.site.urls),
]
