"""Signatures of webhooks, as https://www.standardwebhooks.com describes them. Nothing here needs Django."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Iterable

TOLERANCE = 300
"""Seconds by which a webhook's time may differ from the receiver's: an older one is a replay."""


class InvalidSignature(Exception):
    """A webhook is not the service's, or not of now."""


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Returns the header ``webhook-signature``. Raises ValueError for a text that is no secret."""
    digest = hmac.new(_key(secret), f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(secrets: Iterable[str], webhook_id: str, timestamp: str, signature: str, body: bytes, now: float) -> None:
    """Raises InvalidSignature unless one of the signatures is one of the secrets', and the time is about now."""
    if not webhook_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise InvalidSignature("the headers webhook-id and webhook-timestamp are missing or malformed")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise InvalidSignature(f"the time is more than {TOLERANCE} seconds from now")
    given = [part for part in signature.split(" ") if part.startswith("v1,")][:10]
    for secret in secrets:
        expected = sign(secret, webhook_id, int(timestamp), body).encode()
        # Every signature is compared, in constant time, so that the time tells nothing of them.
        if any([hmac.compare_digest(expected, part.encode("utf-8", "replace")) for part in given]):
            return
    raise InvalidSignature("no signature is that of a known secret")


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret[len("whsec_") :] if secret.startswith("whsec_") else secret, validate=True)
    except binascii.Error:
        raise ValueError("A webhook's secret is whsec_ and base64.") from None
