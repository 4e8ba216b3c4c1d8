"""
Sentences about results in a language of your own: ``sentence(result, "de")`` makes of a result's ``factors`` and ``usual`` what the service says in
``explanation`` in its own language. The texts are in the catalogue of ``finance_ingest.django``; English needs none.
"""

from __future__ import annotations

import gettext
import math
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Optional

from .errors import ConfigurationError
from .results import SCORED, Result, Usual

LOCALES = Path(__file__).resolve().parent / "django" / "locale"
"""The folder of the catalogues."""

def languages() -> List[str]:
    """Returns the languages that there are sentences in."""
    return sorted({"en", *(path.name for path in LOCALES.iterdir() if (path / "LC_MESSAGES" / "django.mo").exists())})


def sentence(result: Result, language: str = "en", *, category: Optional[str] = None, currency: str = "") -> Optional[str]:
    """
    Returns one sentence that says what moved a score, and nothing else; None for a result of which a detector that learns has said nothing.

    ``language`` is a code such as ``de`` or ``de-at``; ``category`` how the person knows the category, unset its number; ``currency`` what follows each
    amount, such as ``EUR``. Codes that this version does not know are left out. Raises ConfigurationError for a language without a catalogue.
    """
    if result.status != SCORED or result.detector is None or result.amount is None:
        return None
    words = _Words(_catalogue(language), currency)
    name = str(result.category_id) if category is None else category
    if result.usual is None:
        return words.text("Nothing is known of category %(category)s yet") % {"category": name} if result.reason == "no_baseline" else None
    return words.explain(name, result.amount, result.usual, {factor.code: factor.value for factor in result.factors})


@lru_cache(maxsize=64)
def _catalogue(language: str) -> gettext.NullTranslations:
    code = language.replace("_", "-").lower()
    while code:
        try:
            return gettext.translation("django", str(LOCALES), [code.replace("-", "_")])
        except FileNotFoundError:
            if code == "en":
                return gettext.NullTranslations()
            code = code.rpartition("-")[0]
    raise ConfigurationError(f"There are no sentences in the language {language!r}; there are in {', '.join(languages())}.")


class _Words:
    """The texts of a language, and its way to write numbers."""

    def __init__(self, catalogue: gettext.NullTranslations, currency: str) -> None:
        self.text = catalogue.gettext
        self._plural = catalogue.ngettext
        self._currency = f" {currency}" if currency else ""
        # Translators write this number as people of their language do: so a catalogue needs no rules of numbers beside it.
        sample = catalogue.gettext("1,234.5")
        self._group, self._point = sample[1:-5] or "", sample[-2]

    def explain(self, category: str, amount: Decimal, usual: Usual, factors: Dict[str, float]) -> str:
        """Returns the sentence, as ``Wording`` of the service makes it."""
        text = self.text
        first = {"category": category}
        times = factors.get("times_usual")
        if times is None:
            beginning = text("About your usual for category %(category)s") % first
        elif times < 1:
            beginning = text("Below your usual for category %(category)s") % first
        elif amount < 0:
            beginning = text("%(times)s times what you usually receive in category %(category)s") % {**first, "times": self._times(times)}
        else:
            beginning = text("%(times)s times your usual for category %(category)s") % {**first, "times": self._times(times)}
        return f"{beginning}: {'; '.join(self._parts(usual, factors))}"

    def _parts(self, usual: Usual, factors: Dict[str, float]) -> List[str]:
        text = self.text
        parts = [self._known(usual, factors.get("few_known"))]
        if "rare_high" in factors:
            parts.append(text("this high about once in %(count)s") % {"count": self._one_in(factors["rare_high"])})
        if "rare_low" in factors:
            parts.append(text("this low about once in %(count)s") % {"count": self._one_in(factors["rare_low"])})
        if "repeats" in factors:
            day = date(1970, 1, 1) + timedelta(days=math.floor(factors["repeats"]))
            parts.append(text("like an amount that you paid before, around %(day)s") % {"day": day.isoformat()})
        if "unusual_days" in factors:
            parts.append(text("after other unusual payments in these days"))
        if "large_for_anybody" in factors:
            parts.append(text("more than nearly anybody pays there"))
        if "season" in factors:
            parts.append(text("more is usual at this time") if factors["season"] > 1 else text("less is usual at this time"))
        return parts

    def _known(self, usual: Usual, few: Optional[float]) -> str:
        if few is None:
            range_ = {"low": self._money(usual.low), "high": self._money(usual.high), "count": self._whole(usual.count)}
            return (
                self._plural(
                    "usually %(low)s to %(high)s over %(count)s payment", "usually %(low)s to %(high)s over %(count)s payments", round(usual.count)
                )
                % range_
            )
        if few < 1:
            return self.text("your first payment there, judged by what others spend")
        return self._plural(
            "only %(count)s payment known, judged mostly by what others spend",
            "only %(count)s payments known, judged mostly by what others spend",
            round(few),
        ) % {"count": self._whole(few)}

    def _times(self, value: float) -> str:
        return self._number(value, 1 if value < 10 else 0)

    def _money(self, value: float) -> str:
        return self._number(value, 2 if value < 100 else 0) + self._currency

    def _whole(self, value: float) -> str:
        return self._number(value, 0)

    def _one_in(self, value: float) -> str:
        # Two digits: more would claim to be known.
        unit = 10.0 ** max(math.floor(math.log10(value)) - 1, 0)
        return self._whole(round(value / unit) * unit)

    def _number(self, value: float, decimals: int) -> str:
        rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        whole, _, fraction = format(rounded, ",f").partition(".")
        return whole.replace(",", self._group) + (self._point + fraction if fraction else "")
