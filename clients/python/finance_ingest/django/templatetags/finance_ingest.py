"""``{% load finance_ingest %}``"""

from __future__ import annotations

from typing import Any, Dict

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _, ngettext

from ..models import AnomalyStatus
from ..notifications import unread_count

register = template.Library()


@register.simple_tag
def anomaly_status(row: Any) -> str:
    """Renders ``{% anomaly_status transaction %}``: the state as a badge, which ``poll.js`` keeps up to date while it is pending."""
    state = describe(row)
    # The role makes screen readers say the new state when a pending one changes.
    role = format_html(' role="{}"', "status") if row.anomaly_status == AnomalyStatus.PENDING else ""
    badge = '<span class="ingest-status ingest-{}" data-ingest-row="{}" data-ingest-status="{}"{}>{}</span>'
    return format_html(badge, state["status"] or "none", row.pk, state["status"], role, state["text"])


@register.simple_tag(takes_context=True)
def notification_bell(context: Any, url: str = "", count_url: str = "") -> str:
    """
    Renders ``{% notification_bell url count_url %}``: a bell with the number of unread notifications, as a link to their page. With the address of a
    ``NotificationCountView``, ``bell.js`` keeps the number up to date.
    """
    count = unread_count(getattr(context.get("request"), "user", context.get("user")))
    label = ngettext("%(count)s unread notification", "%(count)s unread notifications", count) % {"count": count}
    bell = (
        '<a class="ingest-bell" href="{}" data-ingest-bell="{}" data-ingest-unread="{}" aria-label="{}" role="status">'
        '<span aria-hidden="true">🔔</span>{}</a>'
    )
    number = format_html('<span class="ingest-unread"{}>{}</span>', mark_safe(" hidden") if count == 0 else "", count)
    return format_html(bell, url, count_url, count, label, number)


def describe(row: Any) -> Dict[str, Any]:
    """Returns the state of a row as a page shows it, in the language of the request."""
    text = str(AnomalyStatus(row.anomaly_status).label)
    if row.z_score is not None:
        text = _("%(status)s (z = %(z)s)") % {"status": text, "z": number_format(row.z_score, 1)}
    return {"id": str(row.pk), "status": row.anomaly_status, "is_anomaly": row.is_anomaly, "z_score": row.z_score, "text": text}
