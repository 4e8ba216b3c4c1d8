"""``manage.py sync_anomalies``"""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ....errors import FinanceIngestError
from ....retrying import Clock
from ...following import Round, follow, run_round
from ...settings import command_client


class Command(BaseCommand):
    """Brings the project's transactions up to date. Two of these commands may run at once."""

    help = (
        "Submits the waiting entries of the outbox, and writes the results of FinanceIngest to the transactions. "
        "Run it from cron, or with --follow."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--follow", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument(
            "--interval",
            type=float,
            default=2.0,
            metavar="SECONDS",
            help="with --follow: the time between rounds while a transaction is pending; default: 2",
        )
        parser.add_argument(
            "--idle-interval",
            type=float,
            default=3600.0,
            metavar="SECONDS",
            help="with --follow: the time between rounds while no transaction is pending, so that the service's database may sleep; default: 3600",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: stop.set())
        self._is_quiet = options["follow"]
        try:
            with command_client() as client:
                if options["follow"]:
                    follow(client, stop, self._report, self._note, interval=options["interval"], idle_interval=options["idle_interval"], clock=Clock())
                else:
                    run_round(client, stop.is_set, self._report)
        except FinanceIngestError as error:
            raise CommandError(f"{error} Nothing is lost: run the command again.") from error

    def _report(self, done: Round) -> None:
        drained, synced = done.drained, done.synced
        if synced.started_again:
            self._note("The service's database was restored, so the cursor is void (410), and the feed is read again from the beginning.")
        if drained.refused:
            self._note(f"{drained.refused} transactions were refused by the service; the outbox says why.")
        if self._is_quiet and not (drained.submitted or synced.rows):
            return
        where = "" if done.using == "default" else f"{done.using}: "
        self.stdout.write(f"{where}{drained.submitted} submitted, {synced.results} results read, {synced.rows} rows updated.")
        self.stdout.flush()

    def _note(self, message: str) -> None:
        self.stderr.write(message)
        self.stderr.flush()
