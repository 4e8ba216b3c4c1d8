"""
What happens when a user is deleted: his notifications go with him, and with ``FINANCE_INGEST["ERASE_USERS"]`` the service is told to erase the person. The
wish commits together with the deletion, is sent right after the commit, and is repeated by ``sync_anomalies`` until the service has taken it.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Optional

from django.conf import settings as project_settings
from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models.signals import post_delete

from ..client import Client
from ..errors import FinanceIngestError
from .models import AnomalyNotification, Erasure
from .settings import NAME, admin_client

log = logging.getLogger("finance_ingest")


def connect() -> None:
    """Connects the signal of deletion to the project's user model."""
    post_delete.connect(_on_deletion, sender=get_user_model(), dispatch_uid="finance_ingest.erasure")


def is_on() -> bool:
    """Whether the service is told. A setting that is wrong is reported by the checks."""
    value: Any = getattr(project_settings, NAME, None)
    return isinstance(value, dict) and value.get("ERASE_USERS") is True


def database() -> str:
    """The database of users, in which the wishes are kept too."""
    return str(router.db_for_write(get_user_model()))


def is_anybody_waiting() -> bool:
    """Whether there is a deleted user of whom the service has not heard."""
    return Erasure.objects.using(database()).exists()


def erase_waiting(client: Optional[Client] = None, *, is_patient: bool = False) -> int:
    """
    Has the service erase those of whom it does not know yet that they shall be. Returns how many it has taken. An error is logged, and the rest stays: the
    service takes a repeated command as one.
    """
    done = 0
    waiting: List[Erasure] = list(Erasure.objects.using(database()).order_by("pk"))
    if not waiting:
        return done
    try:
        found = client or admin_client(is_patient=is_patient)
        for wish in waiting:
            found.erase_user(wish.user_id)
            wish.delete()
            done += 1
    except FinanceIngestError as error:
        log.error("%d deleted users are not erased at the service yet; sync_anomalies tries again: %s", len(waiting) - done, error)
    return done


def _on_deletion(sender: Any, instance: Any, using: str, **_: Dict[str, Any]) -> None:
    user_id = instance.pk
    if not isinstance(user_id, int) or user_id < 1 or using != database():
        return
    AnomalyNotification.objects.filter(user_id=user_id).delete()
    if is_on():
        Erasure.objects.using(using).create(user_id=user_id)
        transaction.on_commit(erase_waiting, using=using)
