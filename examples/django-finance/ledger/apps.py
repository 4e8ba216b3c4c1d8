from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The example's own app."""

    name = "ledger"
