"""Transactions to be submitted, checked for errors that would change an amount or a time on the way."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from numbers import Rational, Real
from typing import Any, Callable, Dict, List, Mapping, Optional, SupportsIndex, Union
from uuid import UUID

from .errors import InvalidTransaction

Id = Union[int, SupportsIndex, Decimal, str]
Amount = Union[Decimal, int, str, SupportsIndex]
Time = Union[datetime, str]
Key = Union[str, UUID, int, SupportsIndex]

_FIELDS = ("user_id", "category_id", "amount", "occurred_at", "idempotency_key", "replaces")

_MOST_DIGITS = 40
"""More digits than the service takes anywhere. A number like 1E+999999999 must not be written out in order to be refused."""


@dataclass(frozen=True)
class Transaction:
    """
    A transaction to be scored. Its values are checked when it is submitted.

    ``user_id`` and ``category_id`` are whole numbers from 1: an int, or what else is one, such as a numpy integer, ``Decimal("31.0")``, the
    float 31.0 of a pandas column with gaps, or the text "31".
    ``amount`` is a Decimal, an int, a numpy integer or a text with at most four decimals. It is never a float, so that the service gets exactly these digits.
    ``occurred_at`` is a datetime with a time zone (a pandas Timestamp is one), or RFC 3339 text; without it the time of acceptance counts.
    ``idempotency_key`` is a text of up to 255 characters, a UUID or a whole number. The same ``user_id`` and ``idempotency_key`` always mean the same
    transaction, however often it is submitted.
    ``replaces`` is the id of an earlier transaction, which is withdrawn when this one is scored.
    A member of an Enum stands for its value in each field.
    """

    user_id: Id
    category_id: Id
    amount: Amount
    occurred_at: Optional[Time] = None
    idempotency_key: Optional[Key] = None
    replaces: Optional[Union[str, UUID]] = None

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
            "user_id": _read(whole_number, self.user_id, "user_id", errors),
            "category_id": _read(whole_number, self.category_id, "category_id", errors),
            "amount": _read(_exact_text, self.amount, "amount", errors),
            "idempotency_key": default_key if self.idempotency_key is None else _read(key_text, self.idempotency_key, "idempotency_key", errors),
        }
        if self.occurred_at is not None:
            fields["occurred_at"] = _read(_rfc3339, self.occurred_at, "occurred_at", errors)
        if self.replaces is not None:
            fields["replaces"] = _read(id_text, self.replaces, "replaces", errors)
        if errors:
            raise InvalidTransaction(errors)
        return fields


def format_time(value: datetime) -> str:
    """Returns RFC 3339 text in UTC. Raises ValueError for a datetime without a time zone, and for one that UTC can't express."""
    if value != value:
        raise ValueError("must be a time, not NaT")
    # A class derived from datetime may write itself in another way, so a plain one is made of its parts.
    plain = datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, tzinfo=value.tzinfo, fold=value.fold
    )
    if plain.utcoffset() is None:
        raise ValueError("must have a time zone: a naive datetime is another instant on every machine")
    try:
        instant = plain.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("must be from the year 1 to 9999 in UTC") from None
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


def whole_number(value: Any) -> int:
    """
    Returns the whole number that a value is: an int or another type with ``__index__``, or a Decimal, Fraction, float or text that can be read in
    one way only. Raises ValueError, whose message is a phrase of which the field's name is the subject.
    """
    value = _plain(value)
    index = _index(value)
    if index is not None:
        if index.bit_length() > 128:
            raise ValueError("must be from 1 to 9223372036854775807")
        return index
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not bool")
    if isinstance(value, str):
        if re.fullmatch(r"0|-?[1-9][0-9]*", value) and len(value) <= _MOST_DIGITS:
            return int(value)
        raise ValueError(f"must be a whole number, not the text {_shown(value)}")
    if isinstance(value, Decimal):
        if value.is_finite() and value.adjusted() < _MOST_DIGITS and value == value.to_integral_value():
            return int(value)
    elif isinstance(value, Rational):
        if value.denominator == 1:
            return int(value.numerator)
    elif isinstance(value, Real):
        # From 2^53 on, a float may stand for several whole numbers.
        number = float(value)
        if number.is_integer() and abs(number) <= 2**53:
            return int(number)
    else:
        raise ValueError(f"must be a whole number, not {type(value).__name__}")
    raise ValueError(f"must be a whole number, not {_shown(value)}")


def _read(convert: Callable[[Any], Any], value: Any, name: str, errors: Dict[str, List[str]]) -> Any:
    """Converts a value, and adds to the errors why it can't be converted."""
    try:
        if value is None:
            raise ValueError("is required")
        return convert(value)
    except ValueError as error:
        errors[name] = [str(error)]
    except Exception as error:
        # A value of a class from elsewhere may raise anything when it is read. It is this item's error, and the other items are sent.
        errors[name] = [f"can't be read: {type(value).__name__} raises {type(error).__name__}: {error}"]
    return None


def _plain(value: Any) -> Any:
    """Returns the value of a member of an Enum, and any other value as it is."""
    while isinstance(value, Enum):
        value = value.value
    return value


def _index(value: Any) -> Optional[int]:
    """Returns the int that a value is by its type; None for another type, and for a truth value, which is a mistake wherever a number is meant."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return None
    try:
        return int(operator.index(value))
    except TypeError:
        return None


def _exact_text(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("must be a finite number")
        if abs(value.adjusted()) >= _MOST_DIGITS or len(value.as_tuple().digits) > _MOST_DIGITS:
            raise ValueError("must be from -922337203685477.5807 to 922337203685477.5807, with at most four decimals")
        return format(value, "f")
    index = _index(value)
    if index is not None:
        if index.bit_length() > 128:
            raise ValueError("must be from -922337203685477.5807 to 922337203685477.5807")
        return str(index)
    if isinstance(value, Real) and not isinstance(value, (Rational, bool)):
        raise ValueError(f"must be a Decimal, an int or a text, not {type(value).__name__}: a float is not the amount that was meant")
    raise ValueError(f"must be a Decimal, an int or a text, not {type(value).__name__}")


def key_text(value: Any) -> str:
    """
    Returns the text of an idempotency key, which may be a text, a UUID or a whole number. Raises ValueError, whose message is a phrase of which the key
    is the subject.
    """
    value = _plain(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str):
        key = str.__str__(value)
        if not key:
            raise ValueError("must not be empty: leave it out if the client shall make one")
        return key
    index = _index(value)
    if index is None:
        raise ValueError(f"must be a text, a UUID or a whole number, not {type(value).__name__}")
    if index.bit_length() > 128:
        raise ValueError("must have 1 to 255 characters")
    return str(index)


def amount_text(value: Any) -> str:
    """Returns the digits of an amount. Raises ValueError, whose message is a phrase of which the field's name is the subject."""
    return _exact_text(value)


def id_text(value: Any) -> str:
    """Returns the text of a transaction's id. Raises ValueError, whose message is a phrase of which the id is the subject."""
    value = _plain(value)
    try:
        return str(value if isinstance(value, UUID) else UUID(str.__str__(value)))
    except (ValueError, TypeError, AttributeError):
        raise ValueError("must be the id of a transaction, which is a UUID") from None


def _rfc3339(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        raise ValueError("must be a datetime with a time zone or RFC 3339 text, not a date: a day begins at another instant in every time zone")
    raise ValueError(f"must be a datetime with a time zone or RFC 3339 text, not {type(value).__name__}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
