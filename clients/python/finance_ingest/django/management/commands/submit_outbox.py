"""``manage.py submit_outbox``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...models import databases
from ...outbox import drain
from ...settings import command_client


class Command(BaseCommand):
    """Empties the outbox. Two of these commands may run at once."""

    help = "Submits the waiting entries of the outbox. sync_anomalies does this too; this command reads no results."

    def handle(self, *args: Any, **options: Any) -> None:
        with command_client() as client:
            for using in databases():
                drained = drain(using, client)
                self.stdout.write(f"{drained.submitted} submitted, {drained.refused} refused.")
                if drained.failure is not None:
                    raise CommandError(f"{drained.failure} The rest stays in the outbox: run the command again.")
