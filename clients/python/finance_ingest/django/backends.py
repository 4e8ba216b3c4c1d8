"""
Who makes the clients of the app: a function that FINANCE_INGEST["BACKEND"] names. ``http`` talks to the service; ``locmem`` keeps everything in memory, and
is used in tests, as ``django.core.mail`` does it.
"""

from __future__ import annotations

import itertools
import threading
from functools import lru_cache
from typing import Any, Optional

from django.core import mail

from ..client import Client
from ..testing import FakeClient
from .settings import Settings


def http(settings: Settings, *, key: Optional[str], timeout: float, retries: int) -> Client:
    """Returns a client of the service at the URL. The same client is returned again, so that its connections are used again."""
    return _http(settings.URL, key, timeout, retries)


@lru_cache(maxsize=16)
def _http(url: str, key: Optional[str], timeout: float, retries: int) -> Client:
    return Client(url, key, timeout=timeout, retries=retries)


def locmem(settings: Settings, *, key: Optional[str], timeout: float, retries: int) -> Client:
    """Returns the client of a service in memory, which is empty at the beginning of each test. ``finance_ingest.django.testing`` looks into it."""
    return current_fake()


def current_fake() -> FakeClient:
    """Returns the service in memory."""
    return _memory.fake_of(getattr(mail, "outbox", None))


def forget_everything() -> FakeClient:
    """Puts an empty service in the place of the present one."""
    return _memory.renew()


class _Memory:
    """The service in memory. Django gives ``mail.outbox`` another list at the beginning of each test, and the service is renewed with it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._histories = itertools.count()
        self._test: Any = None
        self._fake: Optional[FakeClient] = None

    def fake_of(self, test: Any) -> FakeClient:
        with self._lock:
            if self._fake is None or self._test is not test:
                self._test = test
                return self.renew()
            return self._fake

    def renew(self) -> FakeClient:
        from .outbox import forget_outage

        with self._lock:
            self._fake = FakeClient()
            # A cursor that a class of tests has stored is not taken for one of this service.
            self._fake._service.history = next(self._histories)  # pyright: ignore[reportPrivateUsage]
            forget_outage()
            return self._fake


_memory = _Memory()
