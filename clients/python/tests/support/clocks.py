"""A clock that does not wait."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import List

from finance_ingest.retrying import Clock


class FakeClock(Clock):
    """Sleeping moves the clock, and is recorded."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: List[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, tzinfo=timezone.utc) + timedelta(seconds=self.seconds - 1000)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
