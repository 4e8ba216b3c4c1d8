"""The setting FINANCE_INGEST of a project, and the clients made from it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, Callable, Optional, Sequence

from django.conf import settings as project_settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ..client import Client
from ..errors import ConfigurationError

NAME = "FINANCE_INGEST"
ADMIN_KEY = "FINANCE_INGEST_ADMIN_KEY"
HTTP = "finance_ingest.django.backends.http"
LOCMEM = "finance_ingest.django.backends.locmem"


@dataclass(frozen=True)
class Settings:
    """The values of FINANCE_INGEST."""

    URL: str = ""
    """The address of the service, such as http://127.0.0.1:7071."""

    KEY: Optional[str] = None
    """The API key, with the scopes submit and read; None for a service without keys."""

    BACKEND: Optional[str] = None
    """
    Who makes the clients: ``finance_ingest.django.backends.http`` for the service at URL, ``finance_ingest.django.backends.locmem`` for one in memory, or
    a function of the project's own with the same parameters. None is http, and in tests locmem.
    """

    DATABASES: Sequence[str] = ()
    """
    Databases that hold rows beside the ones to which the router writes each model without a hint: the shards of a project whose router decides by the
    instance, or by ``using``. The app finance_ingest must be migrated in each of them.
    """

    TIMEOUT: float = 10.0
    """Seconds for which the management commands wait for a connection or a piece of an answer."""

    RETRIES: int = 5
    """The largest number of repeats of a call by the management commands."""

    SUBMIT_ON_SAVE: bool = True
    """Whether save() submits; otherwise only submit_on_commit and submit_missing do."""

    SUBMIT_ON_COMMIT: bool = True
    """Whether a commit submits its rows at once, or leaves them to sync_anomalies or submit_outbox."""

    ON_COMMIT_TIMEOUT: float = 2.0
    """Seconds that a commit may spend on a service that does not answer."""

    ON_COMMIT_PAUSE: float = 30.0
    """Seconds for which the commits of this process don't try to submit after one of them found the service down."""

    WEBHOOK_SECRETS: Sequence[str] = ()
    """The secrets of the service's webhook channel, such as ``whsec_…``; two while one takes the place of the other. Without one, webhooks are refused."""

    NOTIFICATIONS: bool = False
    """Whether people are told inside of the site: each anomaly makes an ``AnomalyNotification``."""

    ERASE_USERS: bool = False
    """Whether the service erases a person when his user is deleted. The key in FINANCE_INGEST_ADMIN_KEY, or else KEY, then needs the scope admin."""

    @property
    def backend(self) -> str:
        """The backend that is used now."""
        return self.BACKEND or (LOCMEM if is_test() else HTTP)


def is_test() -> bool:
    """
    Whether Django's test environment is set up: by ``manage.py test``, by pytest-django, or by a call of ``setup_test_environment``. That there is a
    ``django.core.mail.outbox`` is not enough: a site that only keeps its mails in memory has one too, and its transactions must not get lost.
    """
    utils = sys.modules.get("django.test.utils")
    if utils is None:
        return False
    state = getattr(utils, "_TestState", None)
    if state is not None:
        return hasattr(state, "saved_data")
    return hasattr(mail, "outbox") and "testserver" in project_settings.ALLOWED_HOSTS


def read_settings() -> Settings:
    """Reads the settings. Raises ImproperlyConfigured, with the name of a setting that is wrong."""
    value: Any = getattr(project_settings, NAME, None)
    missing = f'{NAME} is missing: set it to a dict with a URL, such as {{"URL": "http://127.0.0.1:7071"}}.'
    if not isinstance(value, dict):
        raise ImproperlyConfigured(missing)
    unknown = sorted(set(value) - set(Settings.__annotations__), key=str)
    if unknown:
        raise ImproperlyConfigured(f"{NAME} has {', '.join(map(repr, unknown))}, which is no setting; there are {', '.join(Settings.__annotations__)}.")
    found = Settings(**value)
    for name in ("TIMEOUT", "ON_COMMIT_TIMEOUT", "ON_COMMIT_PAUSE", "RETRIES"):
        number = getattr(found, name)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or number < 0:
            raise ImproperlyConfigured(f"{NAME}[{name!r}] must be a number, not {number!r}.")
    for name in ("SUBMIT_ON_SAVE", "SUBMIT_ON_COMMIT", "NOTIFICATIONS", "ERASE_USERS"):
        if not isinstance(getattr(found, name), bool):
            raise ImproperlyConfigured(f"{NAME}[{name!r}] must be True or False, not {getattr(found, name)!r}.")
    if isinstance(found.DATABASES, str) or not all(name in project_settings.DATABASES for name in found.DATABASES):
        raise ImproperlyConfigured(f"{NAME}['DATABASES'] must be a list of names in DATABASES, not {found.DATABASES!r}.")
    if isinstance(found.WEBHOOK_SECRETS, str) or not all(isinstance(secret, str) and secret.startswith("whsec_") for secret in found.WEBHOOK_SECRETS):
        raise ImproperlyConfigured(f"{NAME}['WEBHOOK_SECRETS'] must be a list of secrets that begin with whsec_.")
    if found.BACKEND is not None and not isinstance(found.BACKEND, str):
        raise ImproperlyConfigured(f"{NAME}['BACKEND'] must be the dotted name of a function, not {found.BACKEND!r}.")
    if not found.URL and found.backend == HTTP:
        raise ImproperlyConfigured(missing)
    return found


def submits_on_save() -> bool:
    """Whether save() submits. A setting that is wrong is reported by the checks, and stops nobody from saving."""
    value: Any = getattr(project_settings, NAME, None)
    return not isinstance(value, dict) or value.get("SUBMIT_ON_SAVE", True) is not False


def further_databases() -> Sequence[str]:
    """Returns the setting DATABASES, without a look at the other settings."""
    value: Any = getattr(project_settings, NAME, None)
    found: Any = value.get("DATABASES", ()) if isinstance(value, dict) else ()
    return tuple(found)


def command_client() -> Client:
    """Returns the client of the management commands, which have time for retries."""
    settings = read_settings()
    return make_client(settings, settings.KEY, settings.TIMEOUT, settings.RETRIES)


def request_client() -> Client:
    """Returns the client of commits and requests, with a short time-out and without retries."""
    settings = read_settings()
    return make_client(settings, settings.KEY, settings.ON_COMMIT_TIMEOUT, 0)


def admin_client(*, is_patient: bool) -> Client:
    """Returns a client with the key in FINANCE_INGEST_ADMIN_KEY, or else KEY: with time for retries, or without."""
    settings = read_settings()
    key = os.environ.get(ADMIN_KEY) or settings.KEY
    return make_client(settings, key, settings.TIMEOUT, settings.RETRIES) if is_patient else make_client(settings, key, settings.ON_COMMIT_TIMEOUT, 0)


def make_client(settings: Settings, key: Optional[str], timeout: float, retries: int) -> Client:
    """Returns the backend's client. Raises ImproperlyConfigured."""
    try:
        backend: Callable[..., Client] = import_string(settings.backend)
    except ImportError as error:
        raise ImproperlyConfigured(f"{NAME}['BACKEND'] can't be imported: {error}") from None
    try:
        return backend(settings, key=key, timeout=timeout, retries=retries)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"{NAME}: {error}") from None
