"""
Helpers for the tests of a project. In tests nothing is sent to the service that the settings name: as ``django.core.mail`` keeps mails in ``mail.outbox``,
the app keeps transactions in a service in memory, which is empty at the beginning of each test::

    from finance_ingest.django import testing

    class SpendingTests(TestCase):
        @testing.override(score=8.0)
        def test_a_large_amount_is_marked(self):
            self.client.post("/spend/", {"amount": "25000"})
            testing.deliver()
            self.assertEqual(testing.outbox()[0].amount, 25000)
            self.assertTrue(Transaction.objects.get().is_anomaly)

It is on by itself under ``manage.py test`` and pytest-django, unless ``FINANCE_INGEST["BACKEND"]`` names another backend.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Union

from django.conf import settings as project_settings
from django.db import connections
from django.test.utils import override_settings

from ..testing import FakeClient, Outcome, Sent
from .backends import current_fake, forget_everything
from .models import databases
from .outbox import drain
from .settings import LOCMEM, NAME
from .sync import sync

__all__ = ["Delivered", "Outcome", "Sent", "client", "deliver", "outbox", "override", "reset"]

Score = Union[Callable[[Sent], Union[Outcome, float, None]], float, None]


@dataclass
class Delivered:
    """What ``deliver`` did: numbers of rows."""

    submitted: int = 0
    refused: int = 0
    updated: int = 0


def client() -> FakeClient:
    """Returns the service in memory, which is a ``finance_ingest.testing.FakeClient``: it can hold results back, refuse and fail."""
    return current_fake()


def outbox() -> List[Sent]:
    """Returns the transactions that were submitted in this test, in their order."""
    return current_fake().sent


def reset() -> FakeClient:
    """Empties the service in memory and returns it. This is done by itself at the beginning of each test."""
    return forget_everything()


def deliver(*usings: str) -> Delivered:
    """
    Does what ``sync_anomalies`` does, in all databases or in those that are named: submits what is in the outbox, and writes the results to the rows. It
    works inside of a ``TestCase`` too, whose database transaction never commits; the signals of results are sent as well.

    Raises the error that ``client().fail`` announced.
    """
    delivered = Delivered()
    for using in usings or databases():
        connection = connections[using]
        waiting = len(connection.run_on_commit)
        drained = drain(using, current_fake())
        delivered.submitted += drained.submitted
        delivered.refused += drained.refused
        if drained.failure is not None:
            raise drained.failure
        delivered.updated += sync(using, current_fake()).rows
        # In a TestCase these callbacks would wait for a commit that never comes.
        callbacks = connection.run_on_commit[waiting:]
        del connection.run_on_commit[waiting:]
        for callback in callbacks:
            callback[1]()
    return delivered


class override(ContextDecorator):
    """
    Uses the service in memory, with scripted scores, in a with statement or a test method: ``override(score=8.0)`` gives each transaction this
    z-score, ``override(score=lambda sent: …)`` one of its own (None for no baseline). Further arguments are settings of FINANCE_INGEST, such as
    ``SUBMIT_ON_SAVE=False``.
    """

    def __init__(self, *, score: Score = None, **settings: Any) -> None:
        self._score = score
        self._settings = settings
        self._change: Any = None
        self._score_before: Any = None

    def __enter__(self) -> FakeClient:
        present: Dict[str, Any] = getattr(project_settings, NAME, None) or {}
        self._change = override_settings(**{NAME: {**present, "BACKEND": LOCMEM, **self._settings}})
        self._change.enable()
        fake = current_fake()
        self._score_before = fake._service.score
        fake.score_with(self._score)
        return fake

    def __exit__(self, *_: Any) -> None:
        current_fake().score_with(self._score_before)
        if self._change is not None:
            self._change.disable()
