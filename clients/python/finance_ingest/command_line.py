"""
The command line. Standard output has one JSON value per line; notes and errors go to standard error.
Exit codes: 0 done; 1 failed, or only partly done; 2 wrong use.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import sys
from datetime import datetime
from typing import Any, Dict, Iterator, List, Optional, TextIO, Tuple

from .client import Client
from .errors import ConfigurationError, FinanceIngestError, IncompleteSubmission, describe_errors
from .stats_files import StatsFileError, read_stats_file
from .version import __version__

DEFAULT_URL = "http://127.0.0.1:7071"


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs a command and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with Client(options.url, options.key or None, timeout=options.timeout, retries=options.retries) as client:
            return int(options.run(client, options))
    except ConfigurationError as error:
        _note(str(error))
        return 2
    except IncompleteSubmission as error:
        # The prefix derives from the file, so it is the same in the next run.
        _note(f"{error.cause} Before that {len(error.report.accepted)} were accepted. Run the same command again: accepted transactions are recognised.")
        return 1
    except (FinanceIngestError, StatsFileError, OSError, UnicodeDecodeError) as error:
        _note(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m finance_ingest", description="Talks to a FinanceIngest service.")
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
    command.add_argument("file", help=".csv with a header, or NDJSON; - is NDJSON on standard input")
    command.add_argument("--idempotency-prefix", metavar="PREFIX", help="default: a hash of the file's content, which an edit changes")
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
    command.add_argument("file", help=".csv, or the older system's anomaly_stats.pkl")
    command.set_defaults(run=_put_stats)
    return parser


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
    content = sys.stdin.buffer.read() if options.file == "-" else _read(options.file)
    prefix = options.idempotency_prefix or hashlib.sha256(content).hexdigest()
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    lines: List[int] = []
    bad: List[Tuple[int, str]] = []
    rows = _csv_rows(text, lines, bad) if options.file.lower().endswith(".csv") else _ndjson_rows(text, lines, bad)
    report = client.submit_many(rows, idempotency_prefix=prefix)
    bad += [(lines[rejected.index], describe_errors(rejected.errors)) for rejected in report.rejected]
    for line, reason in sorted(bad):
        _note(f"line {line}: {reason}")
    _print({"accepted": len(report.accepted), "rejected": len(bad)})
    return 1 if bad else 0


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
    report = client.put_stats(read_stats_file(options.file))
    for rejected in report.rejected:
        _note(f"row {rejected.index + 1}: {describe_errors(rejected.errors)}")
    _print({"inserted": report.inserted, "updated": report.updated, "rejected": len(report.rejected)})
    return 1 if report.rejected else 0


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _csv_rows(text: TextIO, lines: List[int], bad: List[Tuple[int, str]]) -> Iterator[Dict[str, Any]]:
    reader = csv.DictReader(text)
    for row in reader:
        # The row has more or fewer fields than the header. An unquoted "1,234.50" would otherwise shift the columns.
        if None in row or None in row.values():
            bad.append((reader.line_num, "has another number of fields than the header"))
        else:
            lines.append(reader.line_num)
            yield _fields(row)


def _ndjson_rows(text: TextIO, lines: List[int], bad: List[Tuple[int, str]]) -> Iterator[Dict[str, Any]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            # Numbers stay text, so that the service gets exactly the digits of the file.
            value: Any = json.loads(line, parse_float=str)
        except ValueError as error:
            bad.append((number, f"is not JSON: {error}"))
            continue
        if isinstance(value, dict):
            lines.append(number)
            yield {name: value[name] for name in _COLUMNS if name in value}
        else:
            bad.append((number, "must be an object"))


_COLUMNS = ("user_id", "category_id", "amount", "occurred_at", "idempotency_key")


def _fields(row: Dict[str, Any]) -> Dict[str, Any]:
    fields: Dict[str, Any] = {name: row[name].strip() for name in _COLUMNS if (row.get(name) or "").strip()}
    for name in ("user_id", "category_id"):
        if fields.get(name, "").isdigit():
            fields[name] = int(fields[name])
    return fields


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset, such as Z or +05:30")
    return time


def _print(value: Any) -> None:
    print(json.dumps(value, default=vars), flush=True)


def _note(message: str) -> None:
    print(message, file=sys.stderr)
