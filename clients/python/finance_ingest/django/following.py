"""Runs rounds of outbox and sync, once or for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Protocol

from django.db import OperationalError, close_old_connections

from ..client import Client
from ..errors import ServiceUnavailable
from ..retrying import Clock
from .erasure import erase_waiting, is_anybody_waiting
from .models import databases
from .outbox import Drained, drain
from .sync import Synced, is_anything_open, sync

_LONGEST_PAUSE = 60.0


class Stop(Protocol):
    """The part of threading.Event that is used here."""

    def is_set(self) -> bool:
        """Whether it is set."""
        ...

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Waits until it is set."""
        ...


@dataclass
class Round:
    """The result of a round in one database."""

    using: str
    drained: Drained
    synced: Synced


def run_round(client: Client, stop: Callable[[], bool], report: Callable[[Round], None]) -> None:
    """
    Runs one round: for each database, empties the outbox and reads the feed to its end; and has deleted users erased.

    Raises the service's error after everything else is done and reported.
    """
    erase_waiting(is_patient=True)
    for using in databases():
        drained = drain(using, client, stop=stop)
        synced = Synced()
        try:
            if drained.failure is None:
                synced = sync(using, client, stop)
        finally:
            report(Round(using, drained, synced))
        if drained.failure is not None:
            raise drained.failure


def follow(
    client: Client, stop: Stop, report: Callable[[Round], None], note: Callable[[str], None], *, interval: float, idle_interval: float, clock: Clock
) -> None:
    """
    Runs rounds until ``stop``: every ``interval`` seconds while a row of this project waits for its result, and otherwise every ``idle_interval``
    seconds, so that the service's database may sleep. After an outage the next attempt follows with growing pauses.

    Raises errors that waiting doesn't mend, such as a refused key.
    """
    last_round: Optional[float] = None
    outage_pause = interval
    while not stop.is_set():
        pause = interval
        try:
            close_old_connections()
            due = last_round is None or clock.monotonic() - last_round >= idle_interval or any(map(is_anything_open, databases())) or is_anybody_waiting()
            if due:
                run_round(client, stop.is_set, report)
                last_round = clock.monotonic()
            outage_pause = interval
        except (ServiceUnavailable, OperationalError) as error:
            note(f"{error} Trying again in {outage_pause:g} seconds.")
            pause = outage_pause
            outage_pause = min(outage_pause * 2, _LONGEST_PAUSE)
        stop.wait(pause)
