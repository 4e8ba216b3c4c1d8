"""``manage.py submit_missing``"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, time
from typing import Any, Iterator, List, Optional, Tuple, Type

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime

from ....errors import FinanceIngestError
from ...mapping import aware
from ...missing import Found, Wanted, delete_orphans, submit_missing
from ...models import AnomalyFields, databases, model_of, models_in, owner_of
from ...outbox import drain
from ...settings import command_client


class Command(BaseCommand):
    """Submits the rows that saving has not submitted. It may be run again, from cron for example, and beside the site."""

    help = (
        "Submits rows that bulk_create, QuerySet.update, fixtures, SQL or another program wrote, and takes back those that were softly deleted by them. "
        "Rows from before the app are left alone unless --all is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", metavar="APP.MODEL", help="only this model; default: all models with AnomalyFields")
        parser.add_argument(
            "--all", action="store_true", help="also rows from before the app, without ingest_key. An anomaly among them is alerted like any other"
        )
        parser.add_argument("--since", metavar="TIME", help="of the rows that were never submitted, only those from this time on, such as 2026-01-31")
        parser.add_argument("--changed", action="store_true", help="only rows that were submitted before, and were changed or deleted since")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = Wanted(older=options["all"], since=_time(options["since"]), only_changed=options["changed"], dry_run=options["dry_run"])
        try:
            with command_client() as client:
                for using, models in _chosen(options["model"]):
                    for model in models:
                        self._report(model, submit_missing(model, using, client, wanted), wanted)
                    if not wanted.dry_run:
                        delete_orphans(using)
                        drained = drain(using, client)
                        if drained.failure is not None:
                            raise CommandError(f"{drained.failure} What is missing is in the outbox now, and is submitted by sync_anomalies or submit_outbox.")
        except FinanceIngestError as error:
            raise CommandError(f"{error} Nothing is lost: run the command again.") from error

    def _report(self, model: Type[AnomalyFields], found: Found, wanted: Wanted) -> None:
        what = f"{found.new} new, {found.changed} changed, {found.deleted} deleted, {found.lost} lost"
        if wanted.dry_run:
            self.stdout.write(f"{model._meta.label}: {what}; none was submitted.")
        else:
            answered = f", {found.answered} answered" if found.answered else ""
            self.stdout.write(f"{model._meta.label}: {what}{answered}; {found.done.submitted} are to be submitted, {len(found.done.refused)} can't be.")
        if found.older:
            self.stdout.write(f"{model._meta.label}: {found.older} rows from before the app were left alone; --all submits them too.")
        for row, reason in found.done.refused.items():
            self.stderr.write(f"{row}: {reason}")


def _chosen(label: Optional[str]) -> Iterator[Tuple[str, List[Type[AnomalyFields]]]]:
    only: Optional[Type[AnomalyFields]] = None
    if label:
        named = model_of(label)
        if named is None:
            raise CommandError(f"{label} is no model with AnomalyFields.")
        only = owner_of(named)
    for using in databases():
        models = [model for model in models_in(using) if only is None or model is only]
        if models:
            yield using, models


def _time(text: Optional[str]) -> Optional[datetime]:
    if text is None:
        return None
    try:
        day = parse_date(text)
        found = parse_datetime(text) if day is None else datetime.combine(day, time.min)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"--since must be a date or a date and time, such as 2026-01-31, not {text!r}.")
    return aware(found)
