"""``manage.py export_anomaly_stats``"""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Dict, Iterable, Type

from django.core.management.base import BaseCommand, CommandError

from ....errors import FinanceIngestError, describe_errors
from ....stats_files import StatsFileError, read_stats_file, write_stats
from ...models import AnomalyFields, anomaly_models, model_of
from ...settings import ADMIN_KEY, make_client, read_settings
from ...statistics import Counts, baselines_of



class Command(BaseCommand):
    """Exports baselines for the service."""

    help = (
        "Writes the baselines of users and categories as a CSV for 'finance-ingest stats import', or puts them to the service. "
        "They come from the project's own transactions, or from the older system's anomaly_stats.pkl."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        target = parser.add_mutually_exclusive_group(required=True)
        target.add_argument("file", nargs="?", help="the CSV to write; - is standard output")
        target.add_argument(
            "--put", action="store_true", help=f"put them to the service, with the key in {ADMIN_KEY} (scope admin), or else FINANCE_INGEST['KEY']"
        )
        parser.add_argument("--pickle", metavar="FILE", help="the older system's anomaly_stats.pkl, which is read without executing anything")
        parser.add_argument("--model", metavar="APP.MODEL", help="the model of the transactions; needed when several models have the mixin")
        parser.add_argument("--with-anomalies", action="store_true", help="include transactions that were found anomalous, for users whose habits have changed")
        parser.add_argument(
            "--with-unscored", action="store_true", help="include all transactions without a score, not only those that are older than the first score"
        )
        parser.add_argument("--population", action="store_true", help="divide by n instead of n - 1, as numpy.std does and pandas' std doesn't")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = Counts()
        try:
            baselines = (
                read_stats_file(options["pickle"])
                if options["pickle"]
                else baselines_of(
                    _model(options["model"]),
                    population=options["population"],
                    anomalies=options["with_anomalies"],
                    unscored=options["with_unscored"],
                    counts=counts,
                )
            )
            if options["put"]:
                self._put(baselines)
            else:
                count = _write(options["file"], baselines)
                self.stderr.write(f"{count} baselines written.")
        except (FinanceIngestError, StatsFileError, OSError) as error:
            raise CommandError(str(error)) from error
        left_out = ", ".join(f"{number} {name}" for name, number in vars(counts).items() if number)
        if left_out:
            self.stderr.write(f"Left out: {left_out}.")

    def _put(self, baselines: Iterable[Dict[str, Any]]) -> None:
        settings = read_settings()
        with make_client(settings, os.environ.get(ADMIN_KEY) or settings.KEY, settings.TIMEOUT, settings.RETRIES) as client:
            report = client.put_stats(baselines)
        self.stdout.write(f"{report.inserted} baselines inserted, {report.updated} updated.")
        for rejected in report.rejected:
            self.stderr.write(f"Baseline {rejected.index + 1}: {describe_errors(rejected.errors)}")
        if report.rejected:
            raise CommandError(f"{len(report.rejected)} baselines were refused.")


def _model(label: str) -> Type[AnomalyFields]:
    if label:
        model = model_of(label)
        if model is None:
            raise CommandError(f"{label} is no model with AnomalyFields; there are {_labels()}.")
        return model
    models = anomaly_models()
    if len(models) != 1:
        raise CommandError(f"Several models have AnomalyFields; give one as --model: {_labels()}.")
    return models[0]


def _labels() -> str:
    return ", ".join(model._meta.label for model in anomaly_models()) or "none"


def _write(file: str, baselines: Iterable[Dict[str, Any]]) -> int:
    if file == "-":
        return write_stats(sys.stdout, baselines)
    # An existing file stays as it is until the new one is complete.
    descriptor, temporary = tempfile.mkstemp(dir=Path(file).absolute().parent, prefix=".export-")
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as target:
            count = write_stats(target, baselines)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
    return count
