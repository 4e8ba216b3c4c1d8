"""Commands: what shall be done with transactions and users that exist already. Their key needs the scope manage, and erasing a person the scope admin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Union

from .errors import ConfigurationError
from .transactions import Amount, Id, amount_text, format_time, whole_number

EXPECTED = "expected"
"""The verdict that a transaction is the user's own."""

UNEXPECTED = "unexpected"
"""The verdict that it is not."""

NEVER, RARELY, NORMAL, OFTEN = "never", "rarely", "normal", "often"

MOST_SETTINGS = 1_000
"""The most settings of one request."""


@dataclass(frozen=True)
class Sensitivity:
    """
    How often alerts are wanted: of a user in a category, of a user (without ``category_id``), of a category (without ``user_id``), or of everybody. The
    closest setting holds. Settings without ``user_id`` need the scope admin too.

    ``level`` is ``never``, ``rarely``, ``normal`` or ``often``. No alert is sent of an amount below ``minimum_amount``. With ``until``, a datetime with a time
    zone, the setting is a snooze: it holds until then, and afterwards the lasting setting holds again.
    """

    level: str
    user_id: Optional[Id] = None
    category_id: Optional[Id] = None
    minimum_amount: Optional[Amount] = None
    until: Optional[datetime] = None

    def to_json(self) -> Dict[str, Any]:
        """Returns the JSON object to send. Raises ConfigurationError."""
        fields: Dict[str, Any] = {"level": self.level}
        try:
            if self.user_id is not None:
                fields["user_id"] = whole_number(self.user_id)
            if self.category_id is not None:
                fields["category_id"] = whole_number(self.category_id)
            if self.minimum_amount is not None:
                fields["minimum_amount"] = amount_text(self.minimum_amount)
            if self.until is not None:
                fields["until"] = format_time(self.until)
        except ValueError as error:
            raise ConfigurationError(f"A setting of alerts is not valid: {error}.") from error
        return fields


def settings_json(settings: Union[Sensitivity, Mapping[str, Any]]) -> Dict[str, Any]:
    """Returns the JSON object of a setting, which may be given as a mapping with these names. Raises ConfigurationError."""
    if isinstance(settings, Sensitivity):
        return settings.to_json()
    try:
        return Sensitivity(**settings).to_json()
    except TypeError as error:
        raise ConfigurationError(f"A setting of alerts is not valid: {error}.") from error


def chunks_of(items: List[Dict[str, Any]]) -> List[List[Dict[str, Any]]]:
    """Returns the items in requests of at most MOST_SETTINGS."""
    return [items[start : start + MOST_SETTINGS] for start in range(0, len(items), MOST_SETTINGS)]
