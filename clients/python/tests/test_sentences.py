"""Sentences in other languages, compared with those of real servers whose detector learns."""

import random
import unittest
from datetime import datetime, timedelta, timezone
from typing import Dict, List

from finance_ingest import Client, ConfigurationError, Factor, Result, Transaction, Usual, sentence
from finance_ingest.sentences import languages

from .support.servers import IngestServer


def result(amount: str = "6000", count: int = 41, **factors: float) -> Result:
    return Result.from_json({
        "id": "x", "status": "scored", "category_id": 2310, "amount": amount, "detector": "adaptive/1", "reason": "scored",
        "usual": {"low": 12.345, "typical": 2000, "high": 3900.5, "count": count},
        "factors": [{"code": code, "value": value} for code, value in factors.items()],
    })


class SentenceTests(unittest.TestCase):
    def test_each_code_has_its_words_in_each_language(self) -> None:
        everything = result(times_usual=1234.4, rare_high=98_765.0, repeats=20_000.7, unusual_days=0.4, large_for_anybody=900, season=1.3)
        self.assertEqual(
            sentence(everything),
            "1,234 times your usual for category 2310: usually 12.35 to 3,901 over 41 payments; this high about once in 99,000; like an amount that you paid "
            "before, around 2024-10-04; after other unusual payments in these days; more than nearly anybody pays there; more is usual at this time",
        )
        self.assertEqual(
            sentence(everything, "de", category="Lebensmittel", currency="EUR"),
            "Das 1.234-Fache Ihres Üblichen in der Kategorie Lebensmittel: üblich sind 12,35 EUR bis 3.901 EUR bei 41 Zahlungen; so hoch etwa "
            "einmal in 99.000; wie ein Betrag, den Sie schon gezahlt haben, um den 2024-10-04; nach anderen ungewöhnlichen Zahlungen in diesen "
            "Tagen; mehr, als dort fast irgendjemand zahlt; um diese Zeit ist mehr üblich",
        )
        self.assertEqual(
            sentence(result(times_usual=0.25, rare_low=25, season=0.8, few_known=1), "de-AT"),
            "Unter Ihrem Üblichen in der Kategorie 2310: erst 1 Zahlung bekannt, beurteilt vor allem nach dem, was andere ausgeben; so niedrig "
            "etwa einmal in 25; um diese Zeit ist weniger üblich",
        )
        self.assertEqual(
            sentence(result("-6000", times_usual=2.25, few_known=0)),
            "2.3 times what you usually receive in category 2310: your first payment there, judged by what others spend",
        )

    def test_a_code_of_a_later_version_is_left_out(self) -> None:
        self.assertEqual(sentence(result(moon_phase=1)), "About your usual for category 2310: usually 12.35 to 3,901 over 41 payments")

    def test_where_no_detector_has_learned_there_is_none(self) -> None:
        self.assertIsNone(sentence(Result("x", "scored", amount=result().amount)))
        self.assertIsNone(sentence(Result("x", "pending")))

    def test_a_language_without_a_catalogue_is_an_error_that_names_those_with_one(self) -> None:
        self.assertEqual(languages(), ["de", "en"])
        with self.assertRaisesRegex(ConfigurationError, "'fr'; there are in de, en"):
            sentence(result(), "fr")
        self.assertEqual(result().factors, ())
        self.assertEqual((result().usual, result(season=2).factors), (Usual(12.345, 2000, 3900.5, 41), (Factor("season", 2.0),)))

    def test_it_says_word_for_word_what_servers_say_of_real_results(self) -> None:
        codes: Dict[str, List[str]] = {}
        for language in ("en", "de"):
            server = IngestServer(FinanceIngest__Detection__Detector="adaptive", FinanceIngest__Detection__Language=language).start()
            self.addCleanup(server.close)
            with Client(server.url) as client:
                client.submit_many(history())
                found = [one for page in pages(client, 330) for one in page if one.detector is not None]
            self.assertGreater(len(found), 300)
            for one in found:
                self.assertEqual(sentence(one, language), one.explanation, one)
                codes.setdefault(language, []).extend(factor.code for factor in one.factors)
        for language, seen in codes.items():
            self.assertTrue({"times_usual", "rare_high", "rare_low", "few_known", "repeats"} <= set(seen), (language, set(seen)))


def pages(client: Client, count: int) -> List[List[Result]]:
    """The feed, once it has so many results."""
    found: List[List[Result]] = []
    cursor = None
    for _ in range(600):
        page = client.results(cursor)
        found.append(list(page))
        cursor = page.next
        if sum(map(len, found)) >= count:
            return found
        if not page:
            client.submit(1, 1, 1, wait=0.1)
    raise AssertionError(f"only {sum(map(len, found))} of {count} results came")


def history() -> List[Transaction]:
    """A year of three users in two categories, refunds and first payments among it, then amounts that stand out and come again."""
    luck = random.Random(18)
    begin = datetime.now(timezone.utc) - timedelta(days=360)
    made = [
        Transaction(user, category, f"{luck.lognormvariate(3.5 + user, 0.3):.2f}", begin + timedelta(days=day * 6 + luck.random()))
        for day in range(55) for user in (1, 2, 3) for category in (7, 2310)
    ]
    late = begin + timedelta(days=340)
    made += [
        Transaction(1, 7, amount, late + timedelta(days=day))
        for day, amount in enumerate(("9000", "0.05", "-40", "-400", "777.77", "780", "1500.50", "1", "9100"))
    ]
    return made + [Transaction(user, 99, "55.5", late + timedelta(days=user)) for user in (1, 2, 3, 4)]
