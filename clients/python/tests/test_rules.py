"""Rules without a network: what may be sent, when is retried, what files hold."""

import io
import os
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from finance_ingest import Client, InvalidTransaction, Result, Transaction
from finance_ingest.retrying import Backoff, retry_after_seconds
from finance_ingest.stats_files import StatsFileError, read_stats_file, write_stats

from .support.clocks import FakeClock
from .support.scripted_service import Reply, ScriptedService, problem
from .support.servers import CHECKOUT

SAMPLES = CHECKOUT / "tests" / "FinanceIngest.Tests" / "Baselines" / "Samples"


class TransactionTests(unittest.TestCase):
    def refused(self, **fields: object) -> list:
        whole = {"user_id": 1, "category_id": 2, "amount": 3, **fields}
        with self.assertRaises(InvalidTransaction) as caught:
            Transaction.of(whole).to_json("k")
        return sorted(caught.exception.errors)

    def test_an_amount_is_written_without_exponent_and_digit_for_digit(self) -> None:
        for amount, text in ((Decimal("1E+3"), "1000"), (Decimal("0.1000"), "0.1000"), (-5, "-5"), ("7.50", "7.50")):
            self.assertEqual(Transaction(1, 2, amount).to_json("k")["amount"], text)

    def test_what_loses_money_or_time_is_refused(self) -> None:
        self.assertEqual(self.refused(amount=0.1), ["amount"])
        self.assertEqual(self.refused(amount=Decimal("NaN")), ["amount"])
        self.assertEqual(self.refused(amount=True), ["amount"])
        self.assertEqual(self.refused(occurred_at=datetime(2026, 1, 1)), ["occurred_at"])
        self.assertEqual(self.refused(occurred_at=5), ["occurred_at"])
        self.assertEqual(self.refused(user_id="one", category_id=True), ["category_id", "user_id"])
        self.assertEqual(self.refused(amount=None), ["amount"])
        self.assertEqual(self.refused(catgory_id=1), ["catgory_id"])

    def test_a_time_is_written_in_utc(self) -> None:
        time = datetime(2026, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
        self.assertEqual(Transaction(1, 2, 3, time).to_json("k")["occurred_at"], "2026-01-01T00:00:00.000000Z")

    def test_a_result_reads_what_is_there_and_ignores_the_rest(self) -> None:
        failed = Result.from_json({"id": "a", "status": "failed", "error": {"type": "t", "title": "T", "status": 422}, "new": 1})
        self.assertEqual((failed.error.title, failed.amount, failed.to_json()["status"]), ("T", None, "failed"))


class RetryTests(unittest.TestCase):
    def test_pauses_double_up_to_a_ceiling(self) -> None:
        backoff = Backoff(9, lambda: 1.0)
        self.assertEqual([backoff.next_pause(None) for _ in range(10)], [0.5, 1, 2, 4, 8, 16, 30, 30, 30, None])

    def test_what_the_service_asks_for_comes_on_top(self) -> None:
        self.assertEqual(Backoff(1, lambda: 0.5).next_pause(10), 10.25)

    def test_retry_after_in_all_its_forms(self) -> None:
        clock = FakeClock()
        date = {"date": "Sun, 22 Nov 2026 10:00:00 GMT"}
        for value, seconds in (("5", 5), ("Sun, 22 Nov 2026 10:01:30 GMT", 90), ("Sun, 22 Nov 2026 09:00:00 GMT", 0), ("soon", None), ("-1", None), ("", None)):
            self.assertEqual(retry_after_seconds({"retry-after": value, **date}, clock), seconds, value)
        self.assertEqual(retry_after_seconds({"retry-after": "Sun, 22 Nov 2026 12:00:07 GMT"}, clock), 7)

    def test_a_fraction_is_rounded_up_and_nonsense_is_nothing(self) -> None:
        for value, seconds in (
            ("4.5", 5), ("4.0", 4), ("4.", 4), ("0.001", 1), (".5", 1), ("0", 0), (" 7 ", 7), ("007", 7), ("9" * 400, 1e9), ("86400.5", 86_401),
            ("99999999999", 1e9),
            ("-4.5", None), ("+4", None), ("4,5", None), ("1e3", None), ("nan", None), ("inf", None), ("5, 10", None), ("٤", None), ("4 s", None), (".", None),
            ("Sunday, 22-Nov-26 12:00:09 GMT", 9), ("Sun Nov 22 12:00:09 2026", 9), ("Sun, 22 Nov 99999 12:00:09 GMT", None),
            ("Sun, 22 Nov 2026 12:00:09 +99999999", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9), ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ):
            self.assertEqual(retry_after_seconds({"retry-after": value}, FakeClock()), seconds, value)

    def test_a_call_is_never_repeated_too_early(self) -> None:
        for value, least in (("4.5", 5), ("0.2", 1)):
            service = ScriptedService(problem(503, "queue", {"Retry-After": value}), Reply(202, {"id": "a", "status": "pending"}))
            self.addCleanup(service.close)
            clock = FakeClock()
            Client(service.url, clock=clock).submit(1, 1, 1)
            self.assertTrue(least <= clock.slept[0] <= least + 0.5)


class StatsFileTests(unittest.TestCase):
    def write(self, name: str, content: bytes) -> str:
        path = Path(self.enterContext(tempfile.TemporaryDirectory()) if hasattr(self, "enterContext") else tempfile.mkdtemp(), name)
        path.write_bytes(content)
        return str(path)

    def test_pickles_of_every_kind_that_the_service_reads(self) -> None:
        expected = read_stats_file(str(SAMPLES / "plain-p4.pkl"))
        self.assertEqual(len(expected), 3)
        for path in sorted(SAMPLES.glob("*.pkl")):
            kind = path.name.split("-")[0]
            with self.subTest(path.name):
                if kind in ("plain", "default", "ordered", "numpy", "numpy2"):
                    self.assertEqual(read_stats_file(str(path)), expected)
                elif kind == "refused":
                    self.assertRaises(StatsFileError, read_stats_file, str(path))
                else:
                    self.assertTrue(read_stats_file(str(path)))

    def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(self) -> None:
        marker = os.path.join(tempfile.gettempdir(), f"finance-ingest-{os.getpid()}-was-run")
        path = self.write("evil.pkl", b"cos\nsystem\n(S'touch " + marker.encode() + b"'\ntR.")
        with self.assertRaises(StatsFileError) as caught:
            read_stats_file(path)
        self.assertIn("system", str(caught.exception))
        self.assertFalse(os.path.exists(marker))

    def test_csv_reads_back_what_was_written(self) -> None:
        baselines = [{"user_id": 1, "category_id": 2**40, "mean": 0.1 + 0.2, "std_dev": 1e-9, "sample_count": 3}]
        text = io.StringIO()
        self.assertEqual(write_stats(text, baselines), 1)
        self.assertEqual(read_stats_file(self.write("a.csv", text.getvalue().encode())), baselines)

    def test_what_is_wrong_in_a_file_is_told_with_its_place(self) -> None:
        for name, content, word in (
            ("a.csv", b"user_id,mean\n", "category_id"),
            ("a.csv", b"user_id,category_id,mean,std_dev,sample_count\n1,2,x,4,5\n", "line 2"),
            ("a.csv", b"\xff\xfe", "is empty"),
            ("a.csv", b"user_id,category_id,mean,std_dev,sample_count\n1,2,\xff,4,5\n", "UTF-8"),
            ("a.pkl", b"", "is empty"),
            ("a.pkl", b"I1\n.", "must hold a dict"),
        ):
            with self.assertRaises(StatsFileError) as caught:
                read_stats_file(self.write(name, content))
            self.assertIn(word, str(caught.exception))
