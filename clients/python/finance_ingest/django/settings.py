"""The setting FINANCE_INGEST of a project, and the clients made from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Optional

from django.conf import settings as project_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from ..client import Client
from ..errors import ConfigurationError

NAME = "FINANCE_INGEST"


@dataclass(frozen=True)
class Settings:
    """What FINANCE_INGEST may hold."""

    URL: str
    """Where the service is, such as http://127.0.0.1:7071."""

    KEY: Optional[str] = None
    """API key with the scopes submit and read; None where the service is open."""

    TIMEOUT: float = 10.0
    """Seconds for each silence of the service, for the management commands."""

    RETRIES: int = 5
    """How often the management commands repeat a call."""

    SUBMIT_ON_COMMIT: bool = True
    """Whether a commit submits at once, or leaves it to sync_anomalies or submit_outbox."""

    ON_COMMIT_TIMEOUT: float = 2.0
    """Seconds that a commit may spend on a service that does not answer."""

    ON_COMMIT_PAUSE: float = 30.0
    """Seconds for which this process's commits leave the service alone after one found it down."""


def read_settings() -> Settings:
    """The settings. Raises ImproperlyConfigured, with the name of the one that is wrong."""
    value: Any = getattr(project_settings, NAME, None)
    if not isinstance(value, dict) or not value.get("URL"):
        raise ImproperlyConfigured(f'{NAME} is missing: set it to a dict with a URL, such as {{"URL": "http://127.0.0.1:7071"}}.')
    unknown = sorted(set(value) - set(Settings.__annotations__))
    if unknown:
        raise ImproperlyConfigured(f"{NAME} has {', '.join(map(repr, unknown))}, which is no setting; there are {', '.join(Settings.__annotations__)}.")
    found = Settings(**value)
    for name in ("TIMEOUT", "ON_COMMIT_TIMEOUT", "ON_COMMIT_PAUSE", "RETRIES"):
        number = getattr(found, name)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or number < 0:
            raise ImproperlyConfigured(f"{NAME}[{name!r}] must be a number, not {number!r}.")
    return found


@lru_cache(maxsize=None)
def command_client() -> Client:
    """The client of the management commands, which have time for retries."""
    settings = read_settings()
    return _client(settings, settings.TIMEOUT, settings.RETRIES)


@lru_cache(maxsize=None)
def request_client() -> Client:
    """The client of what somebody waits for: short, and once."""
    settings = read_settings()
    return _client(settings, settings.ON_COMMIT_TIMEOUT, 0)


def _client(settings: Settings, timeout: float, retries: int) -> Client:
    try:
        return Client(settings.URL, settings.KEY, timeout=timeout, retries=retries)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"{NAME}: {error}") from None


def _forget_clients(*, setting: str, **_: Any) -> None:
    # Tests override settings.
    if setting == NAME:
        command_client.cache_clear()
        request_client.cache_clear()


setting_changed.connect(_forget_clients)
