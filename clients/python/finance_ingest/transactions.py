"""Transactions to be submitted, checked for errors that would change an amount or a time on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Dict, List, Mapping, Optional, Union

from .errors import InvalidTransaction

Amount = Union[Decimal, int, str]
Time = Union[datetime, str]

_FIELDS = ("user_id", "category_id", "amount", "occurred_at", "idempotency_key")


@dataclass(frozen=True)
class Transaction:
    """
    A transaction to be scored.

    ``amount`` is a Decimal, an int or a text with at most four decimals. It is never a float, so that the service gets exactly these digits.
    ``occurred_at`` is a datetime with a time zone, or RFC 3339 text; without it the time of acceptance counts.
    The same ``user_id`` and ``idempotency_key`` always mean the same transaction, however often it is submitted.
    """

    user_id: int
    category_id: int
    amount: Amount
    occurred_at: Optional[Time] = None
    idempotency_key: Optional[str] = None

    @classmethod
    def of(cls, value: Union["Transaction", Mapping[str, Any]]) -> "Transaction":
        """Returns the transaction, which may be given as a mapping with these names.

        Raises InvalidTransaction for a field that is missing or unknown.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise InvalidTransaction({"$": [f"must be a Transaction or a mapping, not {type(value).__name__}"]})
        errors: Dict[str, List[str]] = {name: ["is required"] for name in _FIELDS[:3] if value.get(name) is None}
        errors.update({str(name): ["is not a field of a transaction"] for name in value if name not in _FIELDS})
        if errors:
            raise InvalidTransaction(errors)
        return cls(**value)

    def to_json(self, default_key: str) -> Dict[str, Any]:
        """Returns the JSON object to send, with ``default_key`` if the transaction has no key of its own.

        Raises InvalidTransaction. The service checks ranges.
        """
        errors: Dict[str, List[str]] = {}
        fields: Dict[str, Any] = {
            "user_id": _whole_number(self.user_id, "user_id", errors),
            "category_id": _whole_number(self.category_id, "category_id", errors),
            "amount": _exact_text(self.amount, errors),
            "idempotency_key": self.idempotency_key or default_key,
        }
        if self.occurred_at is not None:
            fields["occurred_at"] = _rfc3339(self.occurred_at, errors)
        if errors:
            raise InvalidTransaction(errors)
        return fields


def format_time(value: datetime) -> str:
    """Returns RFC 3339 text in UTC. Raises ValueError for a datetime without a time zone."""
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError("must have a time zone: a naive datetime is another instant on every machine")
    return value.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _whole_number(value: Any, name: str, errors: Dict[str, List[str]]) -> Optional[int]:
    if value is None:
        errors[name] = ["is required"]
    elif isinstance(value, bool) or not isinstance(value, int):
        errors[name] = [f"must be an int, not {type(value).__name__}"]
    else:
        return int(value)
    return None


def _exact_text(value: Any, errors: Dict[str, List[str]]) -> Optional[str]:
    if value is None:
        errors["amount"] = ["is required"]
    elif isinstance(value, float):
        errors["amount"] = ["must be a Decimal, an int or a text, not float: a float is not the amount that was meant"]
    elif isinstance(value, Decimal):
        if value.is_finite():
            return format(value, "f")
        errors["amount"] = ["must be a finite number"]
    elif isinstance(value, str):
        return value
    elif isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    else:
        errors["amount"] = [f"must be a Decimal, an int or a text, not {type(value).__name__}"]
    return None


def _rfc3339(value: Any, errors: Dict[str, List[str]]) -> Optional[str]:
    if isinstance(value, str):
        return value
    if not isinstance(value, datetime):
        errors["occurred_at"] = [f"must be a datetime or RFC 3339 text, not {type(value).__name__}"]
        return None
    try:
        return format_time(value)
    except ValueError as error:
        errors["occurred_at"] = [str(error)]
        return None
