"""
Notifications inside of the site: with ``FINANCE_INGEST["NOTIFICATIONS"]`` each anomaly makes an ``AnomalyNotification``, whether its webhook or the
sync brings it. ``{% notification_bell %}`` shows how many are unread.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Dict, Optional
from uuid import UUID

from django.conf import settings as project_settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from .models import AnomalyNotification
from .settings import NAME
from .signals import anomaly_found

_LONGEST_LINK = 500
_LONGEST_TITLE = 200


def is_on() -> bool:
    """Whether people are told inside of the site. A setting that is wrong is reported by the checks."""
    value: Any = getattr(project_settings, NAME, None)
    return isinstance(value, dict) and value.get("NOTIFICATIONS") is True


def connect() -> None:
    """Has each anomaly that the sync finds make a notification, where they are on."""
    if is_on():
        anomaly_found.connect(_on_anomaly, dispatch_uid="finance_ingest.notifications")


def notify_of_alert(alert: Dict[str, Any]) -> Optional[AnomalyNotification]:
    """Makes the notification of an alert, unless its transaction has one."""
    if not is_on() or not alert.get("transaction_id"):
        return None
    link = str(alert.get("link") or "")
    found, _made = AnomalyNotification.objects.get_or_create(
        transaction_id=UUID(alert["transaction_id"]),
        defaults={
            "user_id": alert["user_id"],
            "alert_id": UUID(alert["alert_id"]) if alert.get("alert_id") else None,
            "title": _title(alert.get("amount")),
            "text": str(alert.get("explanation") or "") or usually(alert.get("mean"), alert.get("std_dev")),
            # A script in a link would run when it is followed.
            "link": link if link.startswith(("https://", "http://")) and len(link) <= _LONGEST_LINK else "",
        },
    )
    return found


def unread_count(user: Any) -> int:
    """The number of a user's unread notifications."""
    user_id = _id_of(user)
    return 0 if user_id is None else AnomalyNotification.objects.filter(user_id=user_id, read_at=None).count()


def of(user: Any) -> Any:
    """A user's notifications, the newest first."""
    user_id = _id_of(user)
    found = AnomalyNotification.objects.order_by("-created_at", "-pk")
    return found.none() if user_id is None else found.filter(user_id=user_id)


def _id_of(user: Any) -> Optional[int]:
    return user.pk if getattr(user, "is_authenticated", False) and isinstance(user.pk, int) else None


def money(amount: Any) -> str:
    """Returns an amount as people read it, in the language of the request: with two decimals, or four where it has more than two."""
    exact = Decimal(str(amount))
    return str(number_format(exact, 2 if exact == round(exact, 2) or isinstance(amount, float) else 4, use_l10n=True, force_grouping=True))


def usually(mean: Any, deviation: Any) -> str:
    """Returns what a score was measured by; empty where that is not known."""
    return "" if mean is None or deviation is None else _("usually %(mean)s ± %(deviation)s") % {"mean": money(mean), "deviation": money(deviation)}


def _title(amount: Any) -> str:
    # Whatever a locale makes of the number, it is one line.
    shown = "" if amount is None else money(amount)
    return (_("Unusual transaction: %(amount)s") % {"amount": shown})[:_LONGEST_TITLE]


def _on_anomaly(sender: Any, instance: Any, result: Any, using: str, **_kwargs: Any) -> None:
    if result.user_id is None:
        return
    measured = result.baseline
    text = result.explanation or (usually(measured.mean, measured.std_dev) if measured else "")
    AnomalyNotification.objects.get_or_create(
        transaction_id=UUID(result.id), defaults={"user_id": result.user_id, "title": _title(result.amount), "text": text}
    )
