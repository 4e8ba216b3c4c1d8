"""What callers give as ids, keys, amounts, times and baselines: one meaning is taken, everything else is the error of its item."""

import enum
import unittest
import uuid
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any, Dict, List, Optional

from finance_ingest import ConnectionFailed, IncompleteSubmission, InvalidTransaction
from finance_ingest.batches import BatchReport
from finance_ingest.testing import FakeClient

from .support.servers import BASELINE

try:
    import numpy
except ImportError:
    numpy = None
try:
    import pandas
except ImportError:
    pandas = None


class Category(enum.Enum):
    FOOD = 7


class Rank(enum.IntEnum):
    THIRD = 3


class Key(str, enum.Enum):
    RENT = "rent-2026-11"


class Text(str):
    """Like a text that a template engine has marked; it shows itself as something else."""

    def __str__(self) -> str:
        return "something else"


class Whole:
    """Like an integer of numpy: a type of its own that can be an index."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class bool_(Whole):
    """Named as numpy's truth value, which in some versions can be an index."""


class Broken:
    def __index__(self) -> int:
        raise RuntimeError("no number today")


class Instant(datetime):
    """Like a pendulum.DateTime: it writes itself in its own way."""

    def isoformat(self, *_: Any, **__: Any) -> str:
        return "soon"


class NotATime(datetime):
    """Like pandas.NaT, which is a datetime and equals nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = None


class BrokenZone(tzinfo):
    def utcoffset(self, _: Optional[datetime]) -> timedelta:
        raise KeyError("no such zone")


UTC = timezone.utc
HUGE = Decimal("1E+999999999")


class ValueTests(unittest.TestCase):
    def sent(self, name: str, value: Any) -> Any:
        """Sends a transaction with this value and returns what the service gets."""
        client = FakeClient()
        report = client.submit_many([{"user_id": 1, "category_id": 2, "amount": "3.40", name: value}])
        self.assertEqual(report.rejected, [], f"{name}={value!r}")
        fields = client.exchanges[0].body[0]
        return fields[name]

    def refused(self, name: str, value: Any) -> str:
        """Returns why a transaction with this value is refused, while those before and after it are sent."""
        client = FakeClient()
        good = {"user_id": 1, "category_id": 2, "amount": "3.40"}
        report = client.submit_many([good, {**good, name: value}, good])
        self.assertEqual([accepted.index for accepted in report.accepted], [0, 2], f"{name}={type(value)}")
        (rejected,) = report.rejected
        self.assertEqual((rejected.index, list(rejected.errors)), (1, [name]))
        return rejected.errors[name][0]

    def test_an_id_of_any_type_that_is_one_whole_number_is_taken(self) -> None:
        for value, number in (
            (31, 31), (Whole(31), 31), (Decimal("31.0"), 31), (Decimal("3.1E1"), 31), (Fraction(62, 2), 31), (31.0, 31), ("31", 31),
            (Category.FOOD, 7), (Rank.THIRD, 3), (2**63 - 1, 2**63 - 1),
        ):
            got = self.sent("user_id", value)
            self.assertEqual((got, type(got)), (number, int))
            self.assertEqual(self.sent("category_id", value), number)

    def test_an_id_that_is_none_or_several_is_refused_with_the_reason(self) -> None:
        for value, word in (
            (31.5, "31.5"), (float("nan"), "nan"), (float("inf"), "inf"), (2.0**60, "e+18"), (Decimal("31.5"), "31.5"), (Decimal("NaN"), "NaN"),
            (HUGE, "E+999"),
            (True, "bool"), (bool_(1), "bool_"), ("031", "'031'"), (" 31", "' 31'"), ("٣١", "٣١"), ("", "''"), ("9" * 10_000, "…"), (10**5_000, "from 1 to"),
            (b"31", "bytes"), (None, "required"), (Broken(), "no number today"), (3j, "complex"), ([31], "list"), (2**63, "from 1 to"),
            (Fraction(1, 2), "1, 2"),
        ):
            self.assertIn(word, self.refused("user_id", value))

    def test_an_amount_is_taken_digit_for_digit_or_not_at_all(self) -> None:
        for value, text in ((Decimal("0.10"), "0.10"), (Whole(5), "5"), (Rank.THIRD, "3"), (Text("4.50"), "4.50"), (-7, "-7")):
            self.assertEqual(self.sent("amount", value), text)
        for value, word in (
            (0.1, "float"), (5.0, "float"), (True, "bool"), (bool_(1), "bool_"), (HUGE, "from -922337203685477.5807"), (1 / HUGE, "four decimals"),
            (10**5_000, "from -9"),
            (Decimal("-Infinity"), "finite"), (Decimal("sNaN"), "finite"), (Fraction(1, 2), "Fraction"), (3j, "complex"), (b"1", "bytes"),
            ("1,5", "number"), (None, "required"),
        ):
            self.assertIn(word, self.refused("amount", value))

    def test_a_key_is_a_text_a_uuid_or_a_whole_number(self) -> None:
        key = uuid.uuid4()
        for value, text in (
            (key, str(key)), (Key.RENT, "rent-2026-11"), (12345, "12345"), (Whole(12345), "12345"), (Text("käse-😀"), "käse-😀"), ("k" * 255, "k" * 255)
        ):
            self.assertEqual(self.sent("idempotency_key", value), text)
        for value, word in (
            ("", "empty"), (b"key", "bytes"), (1.5, "float"), (True, "bool"), ("k" * 256, "1 to 255"), ("\ud800", "Unicode"), (10**5_000, "1 to 255"),
            (["k"], "list")
        ):
            self.assertIn(word, self.refused("idempotency_key", value))

    def test_a_time_is_an_instant_of_any_type_of_datetime(self) -> None:
        india = timezone(timedelta(hours=5, minutes=30))
        for value, text in (
            (datetime(2026, 1, 1, 5, 30, tzinfo=india), "2026-01-01T00:00:00.000000Z"),
            (Instant(2026, 1, 1, 5, 30, 0, 123456, india), "2026-01-01T00:00:00.123456Z"),
            (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
            (Text("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z"),
        ):
            self.assertEqual(self.sent("occurred_at", value), text)
        for value, word in (
            (datetime(2026, 1, 1), "time zone"), (date(2026, 1, 1), "date"), (1_700_000_000, "int"), (NotATime(2026, 1, 1, tzinfo=UTC), "NaT"),
            (datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), "year"), (datetime.min.replace(tzinfo=india), "year"),
            (datetime(2026, 1, 1, tzinfo=BrokenZone()), "no such zone"), ("soon", "RFC 3339"), (True, "bool"),
        ):
            self.assertIn(word, self.refused("occurred_at", value))

    def test_an_item_of_another_kind_is_refused_and_the_others_go(self) -> None:
        class Liar(dict):
            def get(self, *_: Any) -> Any:
                raise OSError("the row is gone")

        good = {"user_id": 1, "category_id": 2, "amount": 3}
        items: List[Any] = [None, 5, "text", (1, 2, 3), {1: 2}, {**good, "userid": 1}, Liar(good), {**good, "amount": "9" * 100_000}]
        report = FakeClient().submit_many([*items, good])
        self.assertEqual([rejected.index for rejected in report.rejected], list(range(len(items))))
        self.assertIn("the row is gone", report.rejected[6].errors["$"][0])
        self.assertEqual(len(report.accepted), 1)

    def test_a_single_submission_takes_and_refuses_the_same(self) -> None:
        client = FakeClient()
        key = uuid.uuid4()
        client.submit(Decimal(1), Category.FOOD, Whole(3), idempotency_key=key)
        self.assertEqual((client.sent[0].category_id, client.sent[0].idempotency_key), (7, str(key)))
        with self.assertRaises(InvalidTransaction) as caught:
            client.submit(True, 1.5, 0.1, occurred_at=date(2026, 1, 1), idempotency_key=b"k")
        self.assertEqual(set(caught.exception.errors), {"user_id", "category_id", "amount", "occurred_at", "idempotency_key"})

    def test_baselines_may_have_numbers_of_any_type(self) -> None:
        client = FakeClient()
        numbers: Dict[str, Any] = {"mean": Decimal("9.99"), "std_dev": Fraction(1, 2), "sample_count": 40.0}
        given: Dict[str, Any] = {"user_id": Decimal(1), "category_id": Whole(2), **numbers, "more": object()}
        report = client.put_stats([given, *({**BASELINE, name: value} for name, value in (
            ("mean", float("nan")), ("mean", Decimal("1E+400")), ("mean", "12"), ("std_dev", True), ("sample_count", 1.5), ("user_id", None), ("std_dev", -1)
        )), 5])
        self.assertEqual((report.inserted, [rejected.index for rejected in report.rejected]), (1, list(range(1, 9))))
        self.assertEqual(client.baselines, [{"user_id": 1, "category_id": 2, "mean": 9.99, "std_dev": 0.5, "sample_count": 40}])

    @unittest.skipIf(numpy is None, "numpy is not installed: apt install python3-numpy")
    def test_values_of_numpy(self) -> None:
        self.assertEqual(self.sent("user_id", numpy.uint64(2**63 - 1)), 2**63 - 1)
        self.assertEqual(self.sent("user_id", numpy.float64(31)), 31)
        self.assertEqual(self.sent("amount", numpy.int32(-5)), "-5")
        self.assertEqual(self.sent("idempotency_key", numpy.str_("k")), "k")
        for name, value in (
            ("user_id", numpy.bool_(True)), ("user_id", numpy.array([1, 2])), ("amount", numpy.float32(1)), ("occurred_at", numpy.datetime64("2026-01-01"))
        ):
            self.refused(name, value)
        self.assertEqual(FakeClient().put_stats([{**BASELINE, "mean": numpy.float32(0.5), "sample_count": numpy.int64(9)}]).inserted, 1)

    @unittest.skipIf(pandas is None, "pandas is not installed: apt install python3-pandas")
    def test_values_of_pandas(self) -> None:
        stamp = pandas.Timestamp("2026-01-01T05:30:00.123456789", tz="Asia/Kolkata")
        self.assertEqual(self.sent("occurred_at", stamp), "2026-01-01T00:00:00.123456Z")
        for name, value in (("occurred_at", pandas.NaT), ("occurred_at", pandas.Timestamp("2026-01-01")), ("user_id", pandas.NA)):
            self.refused(name, value)


class InTheMiddleTests(unittest.TestCase):
    """Whatever is raised in the middle of a submission carries the report of what was accepted."""

    def submit_until(self, error: BaseException, **options: Any) -> Any:
        def rows() -> Any:
            for amount in range(25_000):
                yield {"user_id": 1, "category_id": 2, "amount": 0.5 if amount == 7 else amount}
            raise error

        self.client = FakeClient()
        with self.assertRaises(BaseException) as caught:
            self.client.submit_many(rows(), **options)
        self.assertEqual(len(caught.exception.report.accepted), 19_999 + 1)
        self.assertEqual([rejected.index for rejected in caught.exception.report.rejected], [7])
        self.assertTrue(caught.exception.idempotency_prefix)
        return caught.exception

    def test_an_exception_of_the_iterable(self) -> None:
        cause = LookupError("row 25,000 is locked")
        stopped = self.submit_until(cause)
        self.assertIsInstance(stopped, IncompleteSubmission)
        self.assertIs(stopped.cause, cause)
        self.assertIs(stopped.__cause__, cause)
        self.assertIn("LookupError: row 25,000 is locked", str(stopped))
        self.assertIn(stopped.idempotency_prefix, str(stopped))

    def test_an_interruption_stays_one(self) -> None:
        for kind in (KeyboardInterrupt, SystemExit, GeneratorExit):
            self.assertIs(type(self.submit_until(kind())), kind)

    def test_going_on_with_the_prefix_counts_nothing_twice(self) -> None:
        stopped = self.submit_until(LookupError())
        rows = ({"user_id": 1, "category_id": 2, "amount": amount} for amount in range(25_000))
        self.client.submit_many(rows, idempotency_prefix=stopped.idempotency_prefix)
        self.assertEqual(len(self.client.sent), 25_000)

    def test_a_prefix_is_a_text_a_uuid_or_a_whole_number(self) -> None:
        prefix = uuid.uuid4()
        for given, text in ((prefix, str(prefix)), (2026_11, "202611"), (Key.RENT, "rent-2026-11")):
            client = FakeClient()
            client.submit_many([{"user_id": 1, "category_id": 2, "amount": 3}], idempotency_prefix=given)
            self.assertEqual(client.sent[0].idempotency_key, f"{text}:0")
        for given in ("", b"x", True, 1.5):
            with self.assertRaises(ValueError) as caught:
                FakeClient().submit_many([], idempotency_prefix=given)
            self.assertIn("idempotency_prefix must", str(caught.exception))

    def test_a_report_of_the_callers_own_is_filled(self) -> None:
        report = BatchReport()
        self.assertIs(self.submit_until(KeyboardInterrupt(), report=report).report, report)
        self.assertIs(FakeClient().submit_many([], report=report), report)

    def test_baselines_too(self) -> None:
        client = FakeClient()

        def rows() -> Any:
            yield from ({**BASELINE, "user_id": user} for user in range(1, 12_001))
            client.fail(ConnectionFailed("down"))
            yield from ({**BASELINE, "user_id": user} for user in range(12_001, 21_000))

        with self.assertRaises(ConnectionFailed) as caught:
            client.put_stats(rows())
        self.assertEqual(caught.exception.report.inserted, 10_000)
