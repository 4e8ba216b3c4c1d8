from django.apps import AppConfig


class PurchasesConfig(AppConfig):
    """The tests' app. It has no migrations: its tables are made from the models."""

    name = "tests.site.purchases"
