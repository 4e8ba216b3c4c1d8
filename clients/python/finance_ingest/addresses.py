"""The address of a service: what people write for it, and what a redirect says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Optional, Tuple
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from .errors import ConfigurationError

EXAMPLE = "http://127.0.0.1:7071"

_DEFAULT_PORTS = {"http": 80, "https": 443}

_AFTER_API = frozenset(
    ["transactions", "score-transaction", "results", "anomalies", "stats", "status", "events", "poison", "sensitivity", "users", "notification-destinations"]
)
"""The first segments of the service's routes behind ``/api``."""

_BESIDE_API = ("healthz", "readyz", "openapi.json")


@dataclass(frozen=True)
class Address:
    """Where a service is. ``prefix`` is the path before ``/api``: empty, or with a slash in front and none behind."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """
        Reads a base address. A route of the service at its end, such as ``/api`` or ``/api/transactions``, is taken off, once.

        Raises ConfigurationError, whose message shows neither a password nor a query.
        """
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"The address must be a text such as {EXAMPLE}, not {type(text).__name__}.")
        parts, port = _split(text)
        if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
            raise ConfigurationError("The address must not carry a query, a user or a password; the key is an argument of its own.")
        host = (parts.hostname or "").replace("%25", "%")
        if not _is_host(host):
            raise ConfigurationError(f"'{shown(text)}' is not an address, because it does not name a host.")
        return cls(parts.scheme, host, port, _without_route(quote(parts.path, safe="/%:@!$&'()*+,;=~-._")))

    @property
    def default_port(self) -> int:
        """The port that an address with this scheme does not have to name."""
        return _DEFAULT_PORTS[self.scheme]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == self.default_port else f":{self.port}"
        # A prefix that itself looks like a route is written with the /api behind it, because one is taken off by parse.
        return f"{self.scheme}://{host}{port}{self.prefix}{'/api' if _without_route(self.prefix) != self.prefix else ''}"

    def behind(self, location: str, target: str) -> Optional[Address]:
        """
        Returns the base address of the service to which a redirect leads that answered ``target``, a path such as ``/api/results``; None when it
        leads to something else.
        """
        try:
            parts = urlsplit(urljoin(f"{self}{target}", location))
            path = parts.path.rstrip("/")
            if not path.endswith(target):
                return None
            prefix = path[: len(path) - len(target)]
            return replace(Address.parse(parts._replace(path="", query="", fragment="").geturl()), prefix=prefix.rstrip("/"))
        except ValueError:
            return None

    def advice(self, location: str, target: str) -> str:
        """Returns a sentence about a redirect that answered ``target``."""
        base = self.behind(location, target)
        if base == self:
            return "It sends the request in a circle."
        if base is not None:
            return f"The service has moved: give {base} as the address."
        try:
            location = urljoin(f"{self}{target}", location)
        except ValueError:
            # What is shown is then the header's own text.
            pass
        return f"It leads to {shown(location)}, which is no route of FinanceIngest: check the address, and proxies on the way."


def shown(text: str) -> str:
    """Returns an address for a message: without user, password, query and fragment, which may hold a key, and without what a terminal would obey."""
    text = re.split(r"[?#]", text, maxsplit=1)[0]
    text = re.sub(r"^([^/]*//)?[^/]*@", r"\1", text)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 200 else text[:200] + "…"


def _is_host(text: str) -> bool:
    try:
        # The resolver refuses a name with an empty or too long label by an error that is none of a connection.
        text.encode("idna")
    except UnicodeError:
        return False
    return re.fullmatch(r"[^\x00-\x20\x7f/\\?#@<>\"^`{|}]+", text) is not None


def _split(text: str) -> Tuple[SplitResult, int]:
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        # Python's own message repeats the user and the password.
        reason = "its port is not a number up to 65535" if "port" in str(error).lower() else "it is malformed"
        raise ConfigurationError(f"'{shown(text)}' is not an address: {reason}.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        if re.match(r"[A-Za-z0-9.\-\[\]:]+(:[0-9]+)?(/|$)", text.strip()) and "//" not in text:
            raise ConfigurationError(f"'{shown(text)}' is not an http address, because it has no scheme: write http:// or https:// before it.")
        raise ConfigurationError(f"'{shown(text)}' is not an http address such as {EXAMPLE}.")
    if port == 0:
        raise ConfigurationError(f"'{shown(text)}' is not an address: nothing can listen on port 0.")
    return parts, _DEFAULT_PORTS[parts.scheme] if port is None else port


def _without_route(path: str) -> str:
    segments = path.rstrip("/").split("/")
    if segments[-1] in _BESIDE_API:
        segments.pop()
    elif "api" in segments:
        last = len(segments) - 1 - segments[::-1].index("api")
        if last == len(segments) - 1 or segments[last + 1] in _AFTER_API:
            segments = segments[:last]
    return "/".join(segments).rstrip("/")
