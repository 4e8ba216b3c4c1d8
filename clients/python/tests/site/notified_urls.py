"""The addresses of a site that takes webhooks and shows notifications."""

from django.urls import path
from finance_ingest.django import webhooks
from finance_ingest.django.views import NotificationCountView, NotificationsView

from .urls import urlpatterns as others

urlpatterns = [
    *others,
    path("webhook/", webhooks.receive),
    path("notifications/", NotificationsView.as_view()),
    path("count/", NotificationCountView.as_view()),
]
