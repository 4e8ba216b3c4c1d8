"""``{% load finance_ingest %}``"""

from __future__ import annotations

from typing import Any, Dict

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from ..models import AnomalyStatus
from ..notifications import money, unread_count, usually

register = template.Library()

# A drawing, since not every machine has a font with a bell.
_BELL = (
    "M12 22a2.5 2.5 0 0 0 2.4-2H9.6a2.5 2.5 0 0 0 2.4 2zm7-6v-5a7 7 0 0 0-5.5-6.8v-.7a1.5 1.5 0 0 0-3 0v.7A7 7 0 0 0 5 11v5l-2 2v1h18v-1z"
)

_REASONS = {
    "no_baseline": gettext_lazy("There is nothing to compare it with yet."),
    "insufficient_samples": gettext_lazy("There are too few payments to compare it with."),
    "zero_variance": gettext_lazy("All earlier payments had the same amount, so that a deviation can't be measured."),
}


@register.simple_tag
def anomaly_status(row: Any) -> str:
    """Renders ``{% anomaly_status transaction %}``: the state as a badge, which ``poll.js`` keeps up to date while it is pending."""
    state = describe(row)
    # The role makes screen readers say the new state when a pending one changes.
    role = format_html(' role="{}"', "status") if row.anomaly_status == AnomalyStatus.PENDING else ""
    badge = '<span class="ingest-status ingest-{}" data-ingest-row="{}" data-ingest-status="{}"{}>{}</span>'
    return format_html(badge, state["status"] or "none", row.pk, state["status"], role, state["text"])


@register.simple_tag
def anomaly_explanation(row: Any) -> str:
    """
    Renders ``{% anomaly_explanation transaction %}``: the sentence that says why, for a model with ExplainedAnomalyFields. ``poll.js`` fills it in when a
    pending row gets its result; until then, and for a row of which there is nothing to say, the element is hidden.
    """
    text = explain(row)
    hidden = "" if text else mark_safe(" hidden")
    return format_html('<span class="ingest-explanation" data-ingest-explains="{}"{}>{}</span>', row.pk, hidden, text)


@register.simple_tag(takes_context=True)
def notification_bell(context: Any, url: str = "", count_url: str = "") -> str:
    """
    Renders ``{% notification_bell url count_url %}``: a bell with the number of unread notifications, as a link to their page. With the address of a
    ``NotificationCountView``, ``bell.js`` keeps the number up to date.
    """
    count = unread_count(getattr(context.get("request"), "user", context.get("user")))
    bell = (
        '<a class="ingest-bell" href="{}" data-ingest-bell="{}" data-ingest-unread="{}" aria-label="{}" role="status">'
        '<svg class="ingest-bell-picture" aria-hidden="true" viewBox="0 0 24 24"><path d="{}"/></svg>{}</a>'
    )
    number = format_html('<span class="ingest-unread"{}>{}</span>', mark_safe(" hidden") if count == 0 else "", count)
    return format_html(bell, url, count_url, count, label_of(count), _BELL, number)


def label_of(count: int) -> str:
    """Returns what the bell is called when so many notifications are unread."""
    return ngettext("%(count)s unread notification", "%(count)s unread notifications", count) % {"count": count}


def describe(row: Any) -> Dict[str, Any]:
    """Returns the state of a row as a page shows it, in the language of the request."""
    text = str(AnomalyStatus(row.anomaly_status).label)
    if row.z_score is not None:
        text = _("%(status)s (z = %(z)s)") % {"status": text, "z": number_format(row.z_score, 1)}
    state = {"id": str(row.pk), "status": row.anomaly_status, "is_anomaly": row.is_anomaly, "z_score": row.z_score, "text": text}
    explanation = explain(row)
    return {**state, "explanation": explanation} if explanation else state


def explain(row: Any) -> str:
    """
    Returns why a row has its score: the sentence of the service, in the service's language; without one what the score was measured by, or why there is
    none, in the language of the request. Empty where the row says nothing of it.
    """
    # A column that the model has left out says nothing.
    sentence, reason, mean, deviation, count = (
        getattr(row, name, None) for name in ("anomaly_explanation", "anomaly_reason", "baseline_mean", "baseline_std_dev", "baseline_count")
    )
    if sentence:
        return str(sentence)
    if reason in _REASONS:
        return str(_REASONS[reason])
    if mean is None or deviation is None:
        return ""
    values = {"mean": money(mean), "deviation": money(deviation)}
    if not count:
        return usually(mean, deviation)
    text = ngettext("usually %(mean)s ± %(deviation)s, over %(count)s payment", "usually %(mean)s ± %(deviation)s, over %(count)s payments", count)
    return text % {**values, "count": number_format(count, use_l10n=True, force_grouping=True)}
