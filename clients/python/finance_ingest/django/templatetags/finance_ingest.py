"""``{% load finance_ingest %}``"""

from __future__ import annotations

from typing import Any, Dict

from django import template
from django.utils.html import format_html

from ..models import AnomalyStatus

register = template.Library()


@register.simple_tag
def anomaly_status(row: Any) -> str:
    """Renders ``{% anomaly_status transaction %}``: the state as a badge, which ``poll.js`` keeps up to date while it is pending."""
    state = describe(row)
    return format_html(
        '<span class="ingest-status ingest-{}" data-ingest-row="{}" data-ingest-status="{}">{}</span>',
        state["status"] or "none",
        row.pk,
        state["status"],
        state["text"],
    )


def describe(row: Any) -> Dict[str, Any]:
    """Returns the state of a row as a page shows it."""
    text = str(AnomalyStatus(row.anomaly_status).label)
    if row.z_score is not None:
        text += f" (z = {row.z_score:.1f})"
    return {"id": str(row.pk), "status": row.anomaly_status, "is_anomaly": row.is_anomaly, "z_score": row.z_score, "text": text}
