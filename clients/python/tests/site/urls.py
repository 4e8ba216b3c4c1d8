from django.contrib import admin
from django.urls import path
from finance_ingest.django.views import AnomalyStatusView

from .purchases.models import Purchase

urlpatterns = [path("admin/", admin.site.urls), path("status/", AnomalyStatusView.as_view(model=Purchase))]
