"""Results, and pages of results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .batches import Rejected
from .errors import Problem

PENDING = "pending"
SCORED = "scored"
FAILED = "failed"
PURGED = "purged"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Baseline:
    """
    The baseline of the user and category when the transaction was scored; from a detector that learns, what it predicted. A webhook does not say the
    count, so in its result ``sample_count`` is 0.
    """

    mean: float
    std_dev: float
    sample_count: int


@dataclass(frozen=True)
class Usual:
    """What a detector that learns finds usual: four in five amounts are from ``low`` to ``high``. ``count`` is the number of amounts it has seen."""

    low: float
    typical: float
    high: float
    count: int


@dataclass(frozen=True)
class Factor:
    """Something that moved the score, as a code and its number: for a sentence in another language than that of ``explanation``."""

    code: str
    value: float


@dataclass(frozen=True)
class ShadowVerdict:
    """What a detector says that only watches."""

    is_anomaly: bool
    score: Optional[float]


@dataclass(frozen=True)
class Result:
    """
    A transaction as the service knows it.

    ``status`` is ``pending``, ``scored``, ``failed`` (``error`` says why), ``purged`` or ``unknown``; only a scored one has all fields.
    ``z_score`` is None when there was no usable baseline; ``reason`` then says why: ``no_baseline``,
    ``insufficient_samples`` or ``zero_variance``.

    A detector that learns also says which one it is (``detector``), how often this user's spending in this category is that high (``surprise``, 0 … 1: 0.001
    is once in a thousand), what is ``usual``, and why in one sentence (``explanation``). ``shadow`` has the verdicts of detectors that only watch, by name.
    """

    id: str
    status: str
    user_id: Optional[int] = None
    category_id: Optional[int] = None
    amount: Optional[Decimal] = None
    z_score: Optional[float] = None
    is_anomaly: bool = False
    reason: Optional[str] = None
    baseline: Optional[Baseline] = None
    occurred_at: Optional[datetime] = None
    accepted_at: Optional[datetime] = None
    scored_at: Optional[datetime] = None
    error: Optional[Problem] = None
    alert: Optional[str] = None
    suppressed_by: Optional[str] = None
    feedback: Optional[str] = None
    detector: Optional[str] = None
    surprise: Optional[float] = None
    usual: Optional[Usual] = None
    explanation: Optional[str] = None
    factors: Tuple[Factor, ...] = ()
    shadow: Mapping[str, ShadowVerdict] = field(default_factory=lambda: {}, hash=False)

    @property
    def is_pending(self) -> bool:
        """Whether the transaction is not scored yet."""
        return self.status == PENDING

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Result":
        """Reads a result object. Fields that this version does not know are ignored."""
        baseline = value.get("baseline")
        error = value.get("error")
        amount = value.get("amount")
        z_score = value.get("z_score")
        surprise = value.get("surprise")
        usual = value.get("usual")
        shadow: Mapping[str, Any] = value.get("shadow") or {}
        return cls(
            id=value["id"],
            status=value["status"],
            user_id=value.get("user_id"),
            category_id=value.get("category_id"),
            amount=None if amount is None else _money(amount),
            z_score=None if z_score is None else float(z_score),
            is_anomaly=bool(value.get("is_anomaly", False)),
            reason=value.get("reason"),
            baseline=None if baseline is None else Baseline(float(baseline["mean"]), float(baseline["std_dev"]), baseline["sample_count"]),
            occurred_at=_time(value.get("occurred_at")),
            accepted_at=_time(value.get("accepted_at")),
            scored_at=_time(value.get("scored_at")),
            error=None if error is None else Problem.from_json(error, 422),
            alert=value.get("alert"),
            suppressed_by=value.get("suppressed_by"),
            feedback=value.get("feedback"),
            detector=_text(value.get("detector")),
            surprise=None if surprise is None else float(surprise),
            usual=None if usual is None else Usual(float(usual["low"]), float(usual["typical"]), float(usual["high"]), int(usual["count"])),
            explanation=_text(value.get("explanation")),
            factors=tuple(Factor(str(factor["code"]), float(factor["value"])) for factor in value.get("factors") or ()),
            shadow={name: _shadow(verdict) for name, verdict in shadow.items()},
        )

    def to_json(self) -> Dict[str, Any]:
        """
        Returns the result as plain values for ``json.dumps``, with the service's names. The amount is text and stays exact. ``z_score`` and
        ``baseline`` of a scored transaction are always there; elsewhere a value that is None is left out.
        """
        fields: Dict[str, Any] = {"id": self.id, "status": self.status, "user_id": self.user_id, "category_id": self.category_id}
        fields["amount"] = None if self.amount is None else format(self.amount, "f")
        baseline = None if self.baseline is None else vars(self.baseline)
        for name in ("occurred_at", "accepted_at", "scored_at"):
            time = getattr(self, name)
            fields[name] = None if time is None else time.isoformat()
        fields["error"] = None if self.error is None else vars(self.error)
        fields.update(alert=self.alert, suppressed_by=self.suppressed_by, feedback=self.feedback)
        fields.update(detector=self.detector, surprise=self.surprise, explanation=self.explanation)
        fields["usual"] = None if self.usual is None else vars(self.usual)
        fields["factors"] = [vars(factor) for factor in self.factors] or None
        fields["shadow"] = {name: vars(verdict) for name, verdict in self.shadow.items()} or None
        present = {name: value for name, value in fields.items() if value is not None}
        if self.status == SCORED:
            present.update(z_score=self.z_score, is_anomaly=self.is_anomaly, reason=self.reason, baseline=baseline)
        return present


@dataclass(frozen=True)
class Page:
    """A page of the results feed. ``next`` is the cursor for the next call, also on an empty page."""

    results: List[Result]
    next: str

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


@dataclass(frozen=True)
class StatsReport:
    """The result of putting baselines."""

    inserted: int
    updated: int
    rejected: List[Rejected]


def _money(value: Any) -> Decimal:
    amount = Decimal(value)
    # An amount like 1E+999999999 is none of FinanceIngest, and would fill the memory when it is written out.
    if not amount.is_finite() or abs(amount.adjusted()) > 40:
        raise ValueError("not an amount")
    return amount


def _text(value: Any) -> Optional[str]:
    if value is not None and not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _shadow(value: Mapping[str, Any]) -> ShadowVerdict:
    score = value.get("score")
    return ShadowVerdict(bool(value["is_anomaly"]), None if score is None else float(score))


def _time(text: Optional[str]) -> Optional[datetime]:
    if text is None:
        return None
    # fromisoformat accepts "Z" only since Python 3.11.
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
