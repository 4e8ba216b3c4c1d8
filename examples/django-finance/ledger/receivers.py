"""What the example does when a result arrives."""

import logging
from typing import Any

from django.dispatch import receiver
from finance_ingest.django.signals import anomaly_found

from .models import Transaction

log = logging.getLogger("ledger")


@receiver(anomaly_found, sender=Transaction)
def tell(instance: Transaction, **_: Any) -> None:
    """A project would send a mail or a message here."""
    log.warning("%s of %s is unusual: z = %.1f", instance, instance.user, instance.z_score)
