"""
The command line. Standard output has one JSON value per line; notes and errors go to standard error. When a run as a whole fails, the one value is an object
with the ``problem``. Exit codes: 0 done; 1 failed, or only partly done; 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from typing import Any, List, NoReturn, Optional

from .client import Client
from .errors import ConfigurationError, FinanceIngestError
from .files.baselines import format_of, read_baselines
from .files.forms import DateForm, FileForms, LocalZone, NumberForm, TimeForm
from .files.keys import LONGEST_PREFIX, IdempotencyKeys
from .files.problems import FileProblem, WrongOption
from .files.submitting import Tally, describe_row_errors, send_rows
from .files.texts import counted, safe_line
from .files.transaction_files import TransactionFile, is_csv
from .stats_files import describe_problem
from .version import __version__

DEFAULT_URL = "http://127.0.0.1:7071"


class _Failed(Exception):
    """The run as a whole failed. The text is one sentence."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.exit(_fail(f"{self.prog}: {message}", 2))


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs a command and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with Client(options.url, options.key or None, timeout=options.timeout, retries=options.retries) as client:
            return int(options.run(client, options))
    except (ConfigurationError, WrongOption) as error:
        return _fail(str(error), 2)
    except (FinanceIngestError, _Failed, OSError) as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return _fail("Interrupted.", 130)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m finance_ingest", description="Talks to a FinanceIngest service.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--url", default=os.environ.get("FINANCE_INGEST_URL") or DEFAULT_URL, help=f"else FINANCE_INGEST_URL, else {DEFAULT_URL}")
    parser.add_argument(
        "--key",
        default=os.environ.get("FINANCE_INGEST_KEY"),
        help="default: the environment variable FINANCE_INGEST_KEY, which other users of the machine can't see",
    )
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="default: 10")
    parser.add_argument("--retries", type=int, default=5, metavar="N", help="default: 5")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = commands.add_parser("check", help="check that the service accepts transactions and the key may read")
    command.set_defaults(run=_check)

    command = commands.add_parser("submit", help="submit one transaction")
    command.add_argument("user_id", type=int)
    command.add_argument("category_id", type=int)
    command.add_argument("amount")
    command.add_argument("--occurred-at", metavar="TIME", help="RFC 3339, such as 2026-11-22T17:30:00+05:30")
    command.add_argument("--idempotency-key", metavar="KEY", help="makes it safe to run the command again")
    command.add_argument("--wait", type=int, default=0, metavar="SECONDS", help="wait for the result, at most 30")
    command.set_defaults(run=_submit)

    command = commands.add_parser("submit-file", help="submit a file of transactions; safe to run again")
    command.add_argument("file", help=".csv with a header, .ndjson or .jsonl; - is NDJSON on standard input")
    command.add_argument(
        "--idempotency-prefix",
        metavar="PREFIX",
        help="of the rows' keys; default: the file's name for rows with a time, a hash of the file's content for rows without",
    )
    _add_number_options(command)
    command.add_argument("--date-format", metavar="FORMAT", help="how a CSV writes occurred_at, such as %%d.%%m.%%Y")
    command.add_argument("--time-zone", metavar="ZONE", help="the zone of times of a CSV that have no offset, such as Europe/Berlin, UTC or +05:30")
    command.set_defaults(run=_submit_file)

    command = commands.add_parser("get", help="read results by id")
    command.add_argument("ids", nargs="+", metavar="ID")
    command.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="wait up to this long for each pending transaction")
    command.set_defaults(run=_get)

    command = commands.add_parser("results", help="read a page of the feed, with the cursor of the next page")
    command.add_argument("--after", metavar="CURSOR")
    command.add_argument("--limit", type=int, default=1_000, metavar="N")
    command.set_defaults(run=_results)

    command = commands.add_parser("anomalies", help="all anomalies, newest first")
    command.add_argument("--user-id", type=int)
    command.add_argument("--category-id", type=int)
    command.add_argument("--since", type=_time, metavar="TIME", help="inclusive, with an offset, such as 2026-11-01T00:00:00+05:30")
    command.add_argument("--until", type=_time, metavar="TIME", help="exclusive")
    command.set_defaults(run=_anomalies)

    command = commands.add_parser("put-stats", help="insert or replace baselines; needs a key with the scope admin")
    command.add_argument("file", help=".csv, .json, or the older system's anomaly_stats.pkl")
    _add_number_options(command)
    command.set_defaults(run=_put_stats)
    return parser


def _add_number_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--decimal-comma", action="store_true", help="numbers of a CSV have a comma before the decimals, such as -1.234,56")
    command.add_argument(
        "--accounting",
        action="store_true",
        help="numbers of a CSV may be negative by brackets or a trailing minus, and have commas between groups of three digits: (1,234.50), 12.50-",
    )


def _check(client: Client, options: argparse.Namespace) -> int:
    client.check()
    _print({"status": "ok"})
    return 0


def _submit(client: Client, options: argparse.Namespace) -> int:
    result = client.submit(
        options.user_id,
        options.category_id,
        options.amount,
        occurred_at=options.occurred_at,
        idempotency_key=options.idempotency_key,
        wait=options.wait,
    )
    _print(result.to_json())
    return 0


def _submit_file(client: Client, options: argparse.Namespace) -> int:
    forms = _forms(options, is_csv(options.file))
    prefix: Optional[str] = options.idempotency_prefix
    # The length counts UTF-16 units, as finance-ingest counts it.
    if prefix is not None and not 1 <= len(prefix.encode("utf-16-le", "surrogatepass")) // 2 <= LONGEST_PREFIX:
        raise WrongOption(f"--idempotency-prefix has 1 to {LONGEST_PREFIX} characters.")
    if forms.time.assumes_utc:
        _note("The form of --date-format has no offset, and there is no --time-zone: times are read as UTC.")
    tally = Tally()
    uses_content = False
    title = "Standard input" if options.file == "-" else str(options.file)
    try:
        file = TransactionFile(options.file, sys.stdin.buffer, once=prefix is not None)
        keys = IdempotencyKeys(prefix, file.name, file.hash_content)
        try:
            send_rows(file.rows(forms), keys, client.submit_many, tally)
        finally:
            uses_content = keys.uses_content
            file.close()
    except FileProblem as problem:
        tally.stopped = f"{title} {problem}." if problem.place is None else f"{title}: {problem.place}: {problem}."
        if not tally.rows:
            raise _Failed(tally.stopped) from None
    for line, reason in tally.rejected_rows():
        _note(f"line {line}: {reason}")
    if tally.rejected > len(tally.rejected_rows()):
        _note(f"… and {counted(tally.rejected - len(tally.rejected_rows()), 'rejected row')} more.")
    for line, first in tally.repeats:
        _note(f"line {line}: has the user and the idempotency key of line {first}: both are one transaction.")
    if tally.repeated > len(tally.repeats):
        _note(f"… and {counted(tally.repeated - len(tally.repeats), 'row')} more with a key that an earlier row has.")
    if uses_content and tally.rejected:
        _note(
            "The idempotency keys of these rows depend on the content of the whole file, so put corrected rows into a new file. "
            "If you edit this file and send it again, rows that were accepted count again."
        )
    answer: Any = {"accepted": tally.accepted, "rejected": tally.rejected}
    if tally.repeated:
        answer["repeated_keys"] = tally.repeated
    if tally.stopped is not None:
        # The keys derive from the file, so they are the same in the next run.
        _note(
            f"{tally.stopped} Before that {tally.accepted} were accepted. Not all of the file was sent; run the same command again: accepted rows are "
            "recognised."
        )
        answer["problem"] = tally.stopped
    _print(answer)
    return 130 if tally.is_interrupted else 1 if tally.rejected or tally.stopped is not None else 0


def _forms(options: argparse.Namespace, is_table: bool) -> FileForms:
    given = {
        "--decimal-comma": options.decimal_comma,
        "--accounting": options.accounting,
        "--date-format": getattr(options, "date_format", None),
        "--time-zone": getattr(options, "time_zone", None),
    }
    for name, value in given.items():
        if value not in (None, False) and not is_table:
            raise WrongOption(f"{name} is for .csv files only.")
    form, zone = given["--date-format"], given["--time-zone"]
    return FileForms(
        NumberForm(options.decimal_comma, options.accounting),
        TimeForm(None if form is None else DateForm(form), None if zone is None else LocalZone(zone)),
    )


def _get(client: Client, options: argparse.Namespace) -> int:
    results = [client.wait_for(one, options.wait) for one in options.ids] if options.wait else client.get_many(options.ids)
    for result in results:
        _print(result.to_json())
    return 0


def _results(client: Client, options: argparse.Namespace) -> int:
    page = client.results(options.after, limit=options.limit)
    _print({"results": [result.to_json() for result in page], "next": page.next})
    return 0


def _anomalies(client: Client, options: argparse.Namespace) -> int:
    ids = {name: value for name, value in (("user_id", options.user_id), ("category_id", options.category_id)) if value is not None}
    for result in client.anomalies(**ids, since=options.since, until=options.until):
        _print(result.to_json())
    return 0


def _put_stats(client: Client, options: argparse.Namespace) -> int:
    number = _forms(options, format_of(options.file) == "csv").number
    try:
        content = read_baselines(options.file, number)
    except FileProblem as problem:
        raise _Failed(describe_problem(options.file, problem)) from None
    for refused in content.refused:
        _note(refused)
    if content.refused_count > len(content.refused):
        _note(f"… and {content.refused_count - len(content.refused)} more refused.")
    for duplicate in content.duplicates:
        _note(duplicate)
    if content.duplicate_count > len(content.duplicates):
        _note(f"… and {content.duplicate_count - len(content.duplicates)} more replaced.")
    report = client.put_stats(content.rows)
    for rejected in report.rejected:
        _note(f"{content.places[rejected.index]}: {describe_row_errors(rejected.errors)}")
    count = content.refused_count + len(report.rejected)
    _print({"inserted": report.inserted, "updated": report.updated, "rejected": count})
    return 1 if count else 0


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset, such as Z or +05:30")
    return time


def _print(value: Any) -> None:
    print(json.dumps(value, default=vars), flush=True)


def _note(message: str) -> None:
    print(safe_line(message), file=sys.stderr)


def _fail(problem: str, code: int) -> int:
    _note(problem)
    _print({"problem": safe_line(problem)})
    return code
