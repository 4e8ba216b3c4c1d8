from django.apps import AppConfig


class PurchasesConfig(AppConfig):
    """The tests' app."""

    name = "tests.site.purchases"
