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
    """The values of FINANCE_INGEST."""

    URL: str
    """The address of the service, such as http://127.0.0.1:7071."""

    KEY: Optional[str] = None
    """The API key, with the scopes submit and read; None for a service without keys."""

    TIMEOUT: float = 10.0
    """Seconds for which the management commands wait for a connection or a piece of an answer."""

    RETRIES: int = 5
    """The largest number of repeats of a call by the management commands."""

    SUBMIT_ON_COMMIT: bool = True
    """Whether a commit submits its rows at once, or leaves them to sync_anomalies or submit_outbox."""

    ON_COMMIT_TIMEOUT: float = 2.0
    """Seconds that a commit may spend on a service that does not answer."""

    ON_COMMIT_PAUSE: float = 30.0
    """Seconds for which the commits of this process don't try to submit after one of them found the service down."""


def read_settings() -> Settings:
    """Reads the settings. Raises ImproperlyConfigured, with the name of a setting that is wrong."""
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
    """Returns the client of the management commands, which have time for retries."""
    settings = read_settings()
    return _client(settings, settings.TIMEOUT, settings.RETRIES)


@lru_cache(maxsize=None)
def request_client() -> Client:
    """Returns the client of commits and requests, with a short time-out and without retries."""
    settings = read_settings()
    return _client(settings, settings.ON_COMMIT_TIMEOUT, 0)


def _client(settings: Settings, timeout: float, retries: int) -> Client:
    try:
        return Client(settings.URL, settings.KEY, timeout=timeout, retries=retries)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"{NAME}: {error}") from None


def _forget_clients(*, setting: str, **_: Any) -> None:
    # Tests override settings, so cached values are dropped.
    if setting == NAME:
        command_client.cache_clear()
        request_client.cache_clear()


setting_changed.connect(_forget_clients)
