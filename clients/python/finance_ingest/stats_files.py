"""
Reads and writes files of baselines: CSV, JSON, and the older system's ``anomaly_stats.pkl``, by the rules of ``finance-ingest stats import``.

A pickle is read without executing anything: only numbers, texts and dictionaries are built, and numpy need not be installed.
"""

from __future__ import annotations

import csv
from typing import Any, Dict, Iterable, List, Mapping, TextIO

from .files.baselines import read_baselines
from .files.problems import FileProblem, WrongOption
from .files.texts import safe_line

COLUMNS = ("user_id", "category_id", "mean", "std_dev", "sample_count")

Baseline = Dict[str, Any]


class StatsFileError(ValueError):
    """The file is not a file of baselines, or has entries that are none."""


def read_stats_file(path: str) -> List[Baseline]:
    """Returns the baselines of a .csv, .json or .pkl file. Raises StatsFileError when it can't be read, or has an entry that is no baseline."""
    try:
        content = read_baselines(path)
    except FileProblem as problem:
        raise StatsFileError(describe_problem(path, problem)) from None
    except WrongOption as problem:
        raise StatsFileError(str(problem)) from None
    if content.refused:
        more = f" (and {content.refused_count - 1} more)" if content.refused_count > 1 else ""
        raise StatsFileError(safe_line(f"{path}: {content.refused[0]}{more}"))
    return content.rows


def describe_problem(path: str, problem: FileProblem) -> str:
    """Returns the problem of a file of baselines on one line."""
    return safe_line(f"{path}: {problem}" if problem.place is None else f"{path}: {problem.place}: {problem}")


def write_stats(file: TextIO, baselines: Iterable[Mapping[str, Any]]) -> int:
    """Writes a CSV and returns the number of rows. Numbers read back exactly."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for baseline in baselines:
        writer.writerow([repr(value) if isinstance(value, float) else value for value in (baseline[name] for name in COLUMNS)])
        count += 1
    return count
