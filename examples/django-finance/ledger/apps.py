from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The example's own app."""

    name = "ledger"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 - importing it connects them
