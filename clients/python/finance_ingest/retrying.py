"""Decides when a call is repeated, and after which pause. Pure functions, except for the clock."""

from __future__ import annotations

import math
import random
import re
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Callable, Mapping, Optional

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 300.0
"""When the service asks for a longer pause than this many seconds, the call is not repeated, and the caller gets the error at once."""

LONGEST_KNOWN = 10.0**9
"""Longer pauses, which are some 30 years, are taken for this many seconds."""


class Clock:
    """The clock of this package; tests have one that does not wait."""

    def now(self) -> datetime:
        """Returns the current time in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Returns the seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


class Backoff:
    """
    The pauses of one call: exponential with full jitter
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), in addition to the pause for which the service asks.
    """

    def __init__(self, retries: int, draw: Callable[[], float] = random.random) -> None:
        self._retries = retries
        self._draw = draw
        self._failures = 0

    def next_pause(self, retry_after: Optional[float]) -> Optional[float]:
        """Returns the seconds until the next attempt; None when there is none."""
        if self._failures >= self._retries or (retry_after or 0) > LONGEST_RETRY_AFTER:
            return None
        # The exponent is bounded only so that a call with very many retries does not overflow.
        ceiling: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 16))
        self._failures += 1
        return (retry_after or 0) + self._draw() * ceiling

    def reset(self) -> None:
        """Counts attempts from the start again, after progress."""
        self._failures = 0


def retry_after_seconds(headers: Mapping[str, str], clock: Clock) -> Optional[float]:
    """
    Returns the ``Retry-After`` of an answer (RFC 9110, section 10.2.3) in whole seconds; None when it is absent or malformed. The fraction
    that some services write is rounded up, so that a call is never repeated too early.
    """
    value = (headers.get("retry-after") or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", value):
        return min(LONGEST_KNOWN, float(math.ceil(min(LONGEST_KNOWN, float(value)))))
    until = _http_date(value)
    if until is None:
        return None
    # The difference is taken from the server's own clock if the answer has a Date, because this machine's clock may be wrong.
    now = _http_date(headers.get("date") or "") or clock.now()
    return min(LONGEST_KNOWN, float(math.ceil(max(0.0, (until - now).total_seconds()))))


def _http_date(text: str) -> Optional[datetime]:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=timezone.utc)
