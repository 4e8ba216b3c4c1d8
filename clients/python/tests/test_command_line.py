"""``python -m finance_ingest`` as a process, beside a real server."""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from pathlib import Path
from typing import Any, Tuple

from .support.servers import free_port, shared_server

PACKAGE = Path(__file__).resolve().parents[1]


class CommandLineTests(unittest.TestCase):
    def setUp(self) -> None:
        self.url = shared_server().url
        self.folder = Path(tempfile.mkdtemp())

    def run_it(self, *arguments: str, code: int = 0, stdin: str = "") -> Tuple[Any, str]:
        environment = {**os.environ, "FINANCE_INGEST_URL": self.url, "PYTHONPATH": str(PACKAGE)}
        done = subprocess.run([sys.executable, "-m", "finance_ingest", *arguments], env=environment, input=stdin, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def test_submit_get_and_anomalies(self) -> None:
        (result,), _ = self.run_it("submit", "399", "2310", "6000.00", "--wait", "30", "--occurred-at", "2026-03-01T07:37:00+05:30")
        self.assertEqual((result["z_score"], result["amount"]), (8.0, "6000.0"))
        (same,), _ = self.run_it("get", result["id"], "--wait", "5")
        # The alert may have been sent meanwhile.
        self.assertEqual({**same, "alert": None}, {**result, "alert": None})
        found, _ = self.run_it("anomalies", "--user-id", "399", "--since", "2026-03-01T00:00:00Z", "--until", "2026-03-02T00:00:00Z")
        self.assertIn(result["id"], [one["id"] for one in found])
        (page,), _ = self.run_it("results", "--limit", "1")
        self.assertEqual((len(page["results"]), bool(page["next"])), (1, True))
        self.run_it("check")

    def test_a_file_is_sent_again_without_harm_and_bad_rows_are_named(self) -> None:
        mark = uuid.uuid4().int % 10**6
        path = self.folder / "a.csv"
        path.write_text(f"user_id,category_id,amount,note\n399,1,{mark}.50,x\n399,1,1,234.50,x\n399,1,,x\n")
        for _ in range(2):
            (counts,), errors = self.run_it("submit-file", str(path), code=1)
            self.assertEqual(counts, {"accepted": 1, "rejected": 2})
            self.assertIn("line 3: has 5 fields where the header has 4", errors)
            self.assertIn("line 4: amount is required", errors)
        lines = f'{{"user_id": 399, "category_id": 1, "amount": {mark}.25, "more": 1}}\n\nnonsense\n'
        (counts,), errors = self.run_it("submit-file", "-", code=1, stdin=lines)
        self.assertEqual(counts, {"accepted": 1, "rejected": 1})

    def test_a_mended_file_adds_only_the_mended_row(self) -> None:
        user = 1 + uuid.uuid4().int % 2**40
        path = self.folder / f"{user}.csv"
        for amount, code, rejected in (('"2,00"', 1, 1), ("2.00", 0, 0)):
            path.write_text(f"user_id,category_id,amount,occurred_at\n{user},5,6000.00,2026-03-01T00:00:00Z\n{user},5,{amount},2026-03-01T00:00:01Z\n")
            (counts,), _ = self.run_it("submit-file", str(path), code=code)
            self.assertEqual(counts, {"accepted": 2 - rejected, "rejected": rejected})
        seen = set()
        cursor = None
        deadline = time.monotonic() + 60
        while len(seen) < 2 and time.monotonic() < deadline:
            (page,), _ = self.run_it("results", *(["--after", cursor] if cursor else []))
            seen |= {result["id"] for result in page["results"] if result["user_id"] == user}
            cursor = page["next"]
        self.assertEqual(len(seen), 2)

    def test_a_failure_of_the_whole_run_is_one_json_value(self) -> None:
        html = self.folder / "html.csv"
        html.write_text("<html>Please log in</html>")
        for code, *arguments in (
            (1, "submit-file", str(html)),
            (1, "submit-file", str(self.folder / "absent.csv")),
            (1, "put-stats", str(html)),
            (2, "submit-file", str(self.folder / "a.txt")),
            (2, "submit-file", str(html), "--date-format", "%q"),
            (2, "unknown"),
            (2, "--url", "nonsense", "check"),
        ):
            (answer,), errors = self.run_it(*arguments, code=code)
            self.assertEqual(answer["problem"], errors.splitlines()[-1])

    def test_a_pipe_is_read(self) -> None:
        (counts,), _ = self.run_it("submit-file", "-", stdin='{"user_id": 399, "category_id": 1, "amount": 1.25}\n' * 3)
        self.assertEqual(counts, {"accepted": 3, "rejected": 0})
        (counts,), _ = self.run_it("submit-file", "-", "--idempotency-prefix", uuid.uuid4().hex, stdin='{"user_id": 399, "category_id": 1, "amount": 1.25}')
        self.assertEqual(counts, {"accepted": 1, "rejected": 0})

    def test_baselines(self) -> None:
        path = self.folder / "a.csv"
        user = 1 + uuid.uuid4().int % 2**40
        path.write_text(f"user_id,category_id,mean,std_dev,sample_count\n{user},1,10,2,30\n")
        (counts,), _ = self.run_it("put-stats", str(path))
        self.assertEqual(counts, {"inserted": 1, "updated": 0, "rejected": 0})

    def test_errors_are_one_line_and_an_exit_code(self) -> None:
        _, error = self.run_it("get", "x", "--wait", "1", code=1)
        self.assertIn("404", error)
        _, error = self.run_it("submit", "0", "1", "1", code=1)
        self.assertIn("user_id", error)
        _, error = self.run_it("--url", f"http://127.0.0.1:{free_port()}", "--retries", "0", "check", code=1)
        self.assertEqual(len(error.splitlines()), 1)
        self.run_it("--url", "nonsense", "check", code=2)
        self.run_it("submit-file", str(self.folder / "absent.csv"), code=1)
        self.run_it("anomalies", "--since", "2026-01-01", code=2)
        self.run_it("unknown", code=2)
