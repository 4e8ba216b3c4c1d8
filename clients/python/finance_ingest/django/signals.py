"""
The signals of results. They are sent by ``sync_anomalies`` after the database has committed, once for each row whose answer has changed. A receiver that
raises stops neither the others nor the synchronisation; the error is logged. A process that is killed between the commit and the signal sends none, so a
receiver that must miss nothing looks at the rows as well.
"""

from __future__ import annotations

import logging
from typing import Any, Type

from django.dispatch import Signal

from ..results import Result
from .models import AnomalyFields
from .rows import children_of

result_received = Signal()
"""
A row has got its answer. ``sender`` is the row's own model, ``instance`` the row as it is now (its ``anomaly_status`` is normal, anomalous, unscored or
failed), ``result`` the ``finance_ingest.Result``, ``using`` the alias of the database.
"""

anomaly_found = Signal()
"""A row has become anomalous. The arguments are those of ``result_received``, which is sent before."""

log = logging.getLogger("finance_ingest")


def is_anyone_listening(owner: Type[AnomalyFields]) -> bool:
    """Whether a signal about a row of this model, or of one that inherits its table, has a receiver."""
    return any(signal.has_listeners(model) for model in [owner, *children_of(owner)] for signal in (result_received, anomaly_found))


def announce(instance: AnomalyFields, result: Result, using: str, *, is_new_anomaly: bool) -> None:
    """Sends the signals about a row. Raises nothing that a receiver raises."""
    for signal in [result_received, anomaly_found] if is_new_anomaly else [result_received]:
        answers: Any = signal.send_robust(sender=type(instance), instance=instance, result=result, using=using)
        for receiver, answer in answers:
            if isinstance(answer, Exception):
                log.error("A receiver of a signal about %s %s has failed: %r", instance._meta.label, instance.pk, receiver, exc_info=answer)
