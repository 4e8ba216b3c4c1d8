"""
What is submitted of a row.

Values are converted as the columns would do it, because an instance may still have the text, the float or the naive time with which it was made.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import replace
from datetime import date, datetime, time, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Dict, List, Optional, Type

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DatabaseError, models
from django.utils import timezone as project_timezone
from django.utils.dateparse import parse_date, parse_datetime

from ..errors import InvalidTransaction
from ..keys import uuid7
from ..transactions import Transaction
from .models import AnomalyFields, has_own_mapping
from .rows import plain

_MARK_BITS = 32
_MOST_DECIMALS = 4
_ALL_BUT_TIME = (1 << 80) - 1


def transaction_of(row: AnomalyFields) -> Transaction:
    """Returns the transaction of a row by its model's ``ingest_…_field`` names. Raises InvalidTransaction with messages by field."""
    errors: Dict[str, List[str]] = {}
    user, category, amount, occurred = (
        _read(row, convert, field, name, errors)
        for convert, field, name in (
            (_value, "user_id", row.ingest_user_field),
            (_value, "category_id", row.ingest_category_field),
            (_amount, "amount", row.ingest_amount_field),
            (_time, "occurred_at", row.ingest_time_field),
        )
    )
    if errors:
        raise InvalidTransaction(errors)
    return Transaction(user_id=user, category_id=category, amount=amount, occurred_at=occurred)


def field_of(model: Type[models.Model], name: str) -> Optional[Any]:
    """Returns the column of a name, which may be that of a foreign key (``user``) or of its column (``user_id``); None when there is none."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return next((field for field in model._meta.concrete_fields if field.attname == name), None)
    return field if getattr(field, "concrete", False) else None


def json_of(row: AnomalyFields, key: str) -> Dict[str, Any]:
    """
    Returns the JSON object to submit, with everything checked that can be checked here.

    Raises InvalidTransaction, also for whatever an overridden ``to_ingest`` raises.
    """
    try:
        found = Transaction.of(row.to_ingest())
        if isinstance(found.occurred_at, date):
            # timezone.now() is naive in a project without time zones.
            found = replace(found, occurred_at=_instant(found.occurred_at))
        return found.to_json(key)
    except (InvalidTransaction, DatabaseError):
        # After an error of the database its transaction can't go on.
        raise
    except Exception as error:
        raise InvalidTransaction({"$": [f"can't be made: to_ingest raises {type(error).__name__}: {error}"]}) from error


def belongs_to_service(row: AnomalyFields) -> bool:
    """Returns what the model's ``should_ingest`` says. Raises InvalidTransaction for whatever it raises."""
    try:
        return bool(row.should_ingest())
    except DatabaseError:
        raise
    except Exception as error:
        raise InvalidTransaction({"$": [f"can't be judged: should_ingest raises {type(error).__name__}: {error}"]}) from error


def content_of(row: AnomalyFields, fields: Dict[str, Any]) -> str:
    """
    Returns what of the JSON object of a row decides whether it is another transaction. A time that is not the row's own does not: a column that each
    save fills (``auto_now``), or the present time in an overridden ``to_ingest``.
    """
    occurred = fields.get("occurred_at")
    if occurred is not None:
        if has_own_mapping(type(row)):
            if json_of(row, "").get("occurred_at") != occurred:
                occurred = None
        elif getattr(field_of(type(row), row.ingest_time_field), "auto_now", False):
            occurred = None
    try:
        amount = format(Decimal(fields["amount"]).normalize(), "f")
    except ArithmeticError:
        amount = fields["amount"]
    return json.dumps([fields["user_id"], fields["category_id"], amount, occurred])


def key_for(content: str) -> uuid.UUID:
    """Returns a new idempotency key whose last bits are a mark of the content: a key always stands for one content."""
    return _marked(uuid7(), content)


def key_for_earlier(content: str) -> uuid.UUID:
    """
    Returns a key for a row that was submitted under another key already. Its time is that of nothing: to whoever puts keys in order, the row is older
    than all that this version has submitted.
    """
    return _marked(uuid.UUID(int=uuid7().int & _ALL_BUT_TIME), content)


def stands_for(key: uuid.UUID, content: str) -> Optional[bool]:
    """Returns whether a key was made for this content; None when it doesn't tell, because it is from version 0.1.0. One change in 2^32 is not seen."""
    if key.version != 7:
        return None
    return key == _marked(key, content)


def number_for(value: Any) -> int:
    """
    Returns a whole number from 1 to 2^63 − 1 for a text or a UUID, always the same, for models whose users or categories have other ids than
    numbers. It is for ``to_ingest``: ``Transaction(user_id=number_for(self.user_id), category_id=number_for(self.category), …)``. Two values
    get the same number with a probability of 10^-19.
    """
    text = str(value)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % (2**63 - 1) + 1


def _marked(key: uuid.UUID, content: str) -> uuid.UUID:
    made = key.int >> _MARK_BITS
    digest = hashlib.sha256(b"%d %s" % (made, content.encode("utf-8", "surrogatepass"))).digest()
    return uuid.UUID(int=made << _MARK_BITS | int.from_bytes(digest[: _MARK_BITS // 8], "big"))


def _read(row: AnomalyFields, convert: Any, field: str, name: str, errors: Dict[str, List[str]]) -> Any:
    try:
        if not hasattr(row, name) and not (field == "occurred_at" and name == AnomalyFields.ingest_time_field):
            raise ValueError(f"is to be read from {name!r}, which {type(row).__name__} does not have")
        return convert(row, name)
    except ValidationError as error:
        errors[field] = [" ".join(map(str, error.messages))]
    except (ValueError, InvalidOperation) as error:
        errors[field] = [str(error) if isinstance(error, ValueError) else "must be a number that its column can hold"]
    return None


def _value(row: AnomalyFields, name: str) -> Any:
    """Returns the value of a column or attribute as the column's own type."""
    value = getattr(row, name)
    field = field_of(type(row), name)
    if hasattr(value, "resolve_expression"):
        # F("amount") + 1 has become a number in the database only.
        if field is None or row.pk is None or row._state.adding:
            raise ValueError("is an expression, whose value is known after the row is saved")
        value = plain(type(row), row._state.db).filter(pk=row.pk).values_list(name, flat=True).first()
    if isinstance(value, models.Model):
        value = value.pk
    if field is not None and field.is_relation:
        field = field.target_field
    return value if field is None or value is None else field.to_python(value)


def _amount(row: AnomalyFields, name: str) -> Any:
    value = getattr(row, name)
    if not isinstance(value, (int, float, str, Decimal)) and isinstance(getattr(value, "amount", None), Decimal):
        return value.amount  # django-money
    value = _value(row, name)
    if isinstance(value, (Decimal, float)):
        places = getattr(field_of(type(row), name), "decimal_places", None)
        return Decimal(repr(value) if isinstance(value, float) else value).quantize(Decimal(1).scaleb(-(_MOST_DECIMALS if places is None else places)))
    return value


def _time(row: AnomalyFields, name: str) -> Optional[datetime]:
    value = _value(row, name) if hasattr(row, name) else None
    if value is None or value == "":
        return None
    if isinstance(value, str):
        read = parse_datetime(value.strip()) or parse_date(value.strip())
        if read is None:
            raise ValueError("must be a date and time, such as 2026-01-31 12:00")
        value = read
    if not isinstance(value, date):
        raise ValueError(f"must be a date or time, not {type(value).__name__}: return it from to_ingest")
    return _instant(value)


def _instant(value: date) -> datetime:
    return aware(value if isinstance(value, datetime) else datetime.combine(value, time.min))


def aware(value: datetime) -> datetime:
    """
    Returns a time in UTC; one without a time zone is in TIME_ZONE. When clocks are put back, the first of two equal times is meant; a time that is
    left out when they are put forward is read by the clock before the change.
    """
    if value.tzinfo is None or value.utcoffset() is None:
        zone: Any = project_timezone.get_default_timezone()
        value = _localized(value, zone) if hasattr(zone, "localize") else value.replace(tzinfo=zone)
    return value.astimezone(timezone.utc)


def _localized(value: datetime, zone: Any) -> datetime:
    """The same for the zones of pytz, which Django uses before version 4."""
    from pytz import AmbiguousTimeError, NonExistentTimeError

    try:
        localized: datetime = zone.localize(value, is_dst=None)
    except AmbiguousTimeError:
        localized = zone.localize(value, is_dst=True)
    except NonExistentTimeError:
        localized = zone.localize(value, is_dst=False)
    return localized
