"""
What a task queue runs. Nothing here needs one: with Celery, make tasks of these functions in your project, and give ``webhooks.receiver`` the task's
``delay``. The arguments are plain values, and each function may be repeated.
"""

from __future__ import annotations

from typing import Any, Dict, List

from .following import run_round
from .settings import command_client
from .webhooks import act


def receive_alerts(webhook_id: str, alerts: List[Dict[str, Any]]) -> bool:
    """Acts on the alerts of a webhook whose signature was checked; False: that was done before."""
    return act(webhook_id, alerts)


def synchronise() -> int:
    """
    Does what ``sync_anomalies`` does once: submits what waits, and writes results to rows. Returns how many rows were updated.

    Raises ServiceUnavailable while the service can't be reached; nothing is lost.
    """
    updated: List[int] = []
    with command_client() as client:
        run_round(client, lambda: False, lambda done: updated.append(done.synced.rows))
    return sum(updated)
