from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FinanceIngestConfig(AppConfig):
    """The app. Its label is ``finance_ingest``."""

    name = "finance_ingest.django"
    label = "finance_ingest"
    verbose_name = _("FinanceIngest")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, erasure  # noqa: F401 - importing checks registers them
        from .notifications import connect
        from .saving import connect_deletion

        connect_deletion()
        connect()
        erasure.connect()
