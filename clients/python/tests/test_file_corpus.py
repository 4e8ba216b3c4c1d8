"""
The cases of ``tests/corpus``, by which ``FileCorpusTests`` holds ``finance-ingest`` to the same rules: what is read from a file, and what is refused, by
which line and in which words.
"""

import base64
import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple
from unittest import mock

from finance_ingest import command_line
from finance_ingest.batches import Accepted, BatchReport
from finance_ingest.results import StatsReport

from .support.servers import CHECKOUT

CORPUS = CHECKOUT / "tests" / "corpus"
NOTES = ("The idempotency keys of these rows", "The form of --date-format")


class RecordingClient:
    """Accepts everything, and keeps what was sent."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.sent: List[Dict[str, Any]] = []

    def __enter__(self) -> "RecordingClient":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def submit_many(self, transactions: Iterable[Any]) -> BatchReport:
        report = BatchReport()
        for index, transaction in enumerate(transactions):
            self.sent.append(json.loads(json.dumps(transaction.to_json("unused"), allow_nan=False)))
            report.accepted.append(Accepted(index, f"{index}"))
        return report

    def put_stats(self, baselines: Iterable[Any]) -> StatsReport:
        self.sent = list(baselines)
        return StatsReport(len(self.sent), 0, [])


def content_of(case: Dict[str, Any]) -> bytes:
    if "base64" in case:
        return base64.b64decode(case["base64"])
    text = case["text"] if "text" in case else "".join(part * times for part, times in case["parts"])
    return text.encode(case.get("encoding", "utf-8"))


class FileCorpusTests(unittest.TestCase):
    maxDiff = None

    def run_case(self, command: str, case: Dict[str, Any]) -> Tuple[str, int, Any, List[str], List[Dict[str, Any]]]:
        folder = self.folder.name
        path = Path(folder, case["file"])
        path.write_bytes(content_of(case))
        client = RecordingClient()
        output, errors = io.StringIO(), io.StringIO()
        with mock.patch.object(command_line, "Client", lambda *_, **__: client), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = command_line.main([command, str(path), *case.get("options", [])])
        notes = [line for line in errors.getvalue().splitlines() if not line.startswith(NOTES)]
        return str(path), code, json.loads(output.getvalue()), notes, client.sent

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def cases(self, table: str) -> List[Dict[str, Any]]:
        found = json.loads((CORPUS / f"{table}.json").read_text("utf-8"))
        self.assertGreater(len(found), 50)
        return found

    def test_files_of_transactions_are_read_by_the_rules_that_both_tools_follow(self) -> None:
        for case in self.cases("transactions"):
            with self.subTest(case["name"]):
                path, code, answer, notes, sent = self.run_case("submit-file", case)
                self.assertEqual(code, case["exit_code"])
                if "problem" in case:
                    self.assertEqual(answer, {"problem": case["problem"].replace("{file}", path)})
                    self.assertEqual((notes, sent), ([answer["problem"]], []))
                    continue
                self.assertEqual(notes, case["refused"] + case.get("repeated", []))
                self.assertEqual(len(sent), case.get("sent_count", len(case.get("sent", []))))
                if "sent" in case:
                    self.assertEqual(sent, case["sent"])
                self.assertEqual((answer["accepted"], answer["rejected"]), (len(sent), len(case["refused"])))

    def test_files_of_baselines_are_read_by_the_rules_that_both_tools_follow(self) -> None:
        for case in self.cases("baselines"):
            with self.subTest(case["name"]):
                path, code, answer, notes, sent = self.run_case("put-stats", case)
                self.assertEqual(code, case["exit_code"])
                if "problem" in case:
                    self.assertEqual(answer, {"problem": case["problem"].replace("{file}", path)})
                    self.assertEqual((notes, sent), ([answer["problem"]], []))
                    continue
                self.assertEqual(notes, case["refused"] + case.get("duplicates", []))
                self.assertEqual([[row[name] for name in ("user_id", "category_id", "mean", "std_dev", "sample_count")] for row in sent], case["rows"])
                self.assertEqual((answer["inserted"], answer["rejected"]), (len(case["rows"]), len(case["refused"])))
