"""The ways in which files write numbers and times."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Dict, List, Optional, Tuple, Union

from .problems import WrongOption
from .texts import BLANKS, DIGITS, LONGEST_VALUE, is_digits, name_character

_MINUS = "\u2212"
_SPACES = " \xa0\u2007\u2009\u202f'\u2019"
_TOO_LONG = "is longer than 1,000 characters"


@dataclass(frozen=True)
class NumberForm:
    """
    The way in which a file writes amounts. Without options that is a number as in JSON, to which a leading plus, leading zeros and a bare ``.50`` are added,
    because they have only one meaning.

    ``decimal_comma``: a comma stands before the decimals; a dot, a space or an apostrophe may then stand between groups of three digits.
    ``accounting``: brackets, a trailing minus, U+2212 or a minus before spaces make an amount negative, and a comma (with the decimal dot), a space or an
    apostrophe may stand between groups of three digits.
    """

    decimal_comma: bool = False
    accounting: bool = False

    def read(self, text: str) -> Tuple[str, Optional[str]]:
        """
        Returns a number as JSON writes it, digit for digit, without grouping, and None; or nothing, and the problem, a phrase of which the field is the
        subject.
        """
        if len(text) > LONGEST_VALUE:
            return "", _TOO_LONG
        number, bad = self._scan(text)
        if bad < 0:
            return number, None
        # Behind a space the sign or the letter is the trouble, not the space.
        following = len(text) - len(text[bad:].lstrip(BLANKS))
        if following < len(text) and text[following] not in DIGITS:
            bad = following
        place = f"it has {name_character(text[bad])} at character {bad + 1}" if bad < len(text) else "it is cut short"
        for other, hint in _OTHERS:
            if other.adds(self) and other._scan(text)[1] < 0:
                return "", f"is not a number: {place}; {hint}"
        return "", f"is not a number: {place}"

    def read_whole(self, text: str) -> Optional[str]:
        """Returns the sign and the digits of a whole number whose decimals, if it has any, are zeros; None for anything else."""
        mark = text.find("," if self.decimal_comma else ".")
        if 0 < mark < len(text) - 1 and not text[mark + 1 :].lstrip("0"):
            text = text[:mark]
        return text if is_digits(text[1:] if text[:1] in ("+", "-") else text) else None

    def adds(self, given: NumberForm) -> bool:
        """Whether this form has all options of another one, and more. A hint never asks to take an option away."""
        return self != given and (self.decimal_comma or not given.decimal_comma) and (self.accounting or not given.accounting)

    def _scan(self, text: str) -> Tuple[str, int]:
        """Returns the number and -1; or nothing, and the place of the first character that does not fit, the text's length when something is missing."""
        start, end = 0, len(text)
        is_negative = False
        if self.accounting and end >= 2 and text[0] == "(" and text[-1] == ")":
            is_negative = True
            start, end = _trim(text, 1, end - 1)
        elif self.accounting and end >= 2 and text[0] not in f"-+{_MINUS}" and text[-1] in f"-{_MINUS}":
            is_negative = True
            start, end = _trim(text, 0, end - 1)
        elif text[:1] in ("-", "+") or (self.accounting and text[:1] == _MINUS):
            is_negative = text[0] != "+"
            start = 1
            if self.accounting:
                start, end = _trim(text, start, end)
        number, bad = self._scan_magnitude(text, start, end)
        return (f"-{number}" if is_negative else number, -1) if bad < 0 else ("", bad)

    def _scan_magnitude(self, text: str, start: int, end: int) -> Tuple[str, int]:
        whole, at, is_grouped, is_lone_comma = self._scan_whole(text, start, end)
        if whole is None:
            return "", at
        mark = at
        decimals = ""
        if at < end and text[at] == ("," if self.decimal_comma else "."):
            first = at + 1
            at = _skip_digits(text, first, end)
            decimals = text[first:at]
            if not decimals:
                return "", at if at < end else len(text)
        if not whole and not decimals:
            return "", at if at < end else len(text)
        # "1,234" alone may be a thousand or one and a bit.
        if is_lone_comma and not decimals:
            return "", mark - 4
        exponent = ""
        if not is_grouped and at < end and text[at] in "eE":
            first = at
            at += 1
            if at < end and text[at] in "+-":
                at += 1
            digits = at
            at = _skip_digits(text, at, end)
            exponent = text[first:at]
            if at == digits:
                return "", at if at < end else len(text)
        if at < end:
            return "", at
        return (whole.lstrip("0") or "0") + (f".{decimals}" if decimals else "") + exponent, -1

    def _scan_whole(self, text: str, first: int, end: int) -> Tuple[Optional[str], int, bool, bool]:
        at = _skip_digits(text, first, end)
        whole = text[first:at]
        if not whole or len(whole) > 3 or at >= end or not self._is_group_mark(text[at]):
            return whole, at, False, False
        mark = text[at]
        groups: List[str] = []
        while at < end and text[at] == mark:
            following = _skip_digits(text, at + 1, end)
            if following - at != 4:
                return None, at, False, False
            groups.append(text[at + 1 : following])
            at = following
        return whole + "".join(groups), at, True, mark == "," and len(groups) == 1

    def _is_group_mark(self, mark: str) -> bool:
        return (self.decimal_comma or self.accounting) and (mark == ("." if self.decimal_comma else ",") or mark in _SPACES)


# The hints are tried in this order, and the first that reads the text is given.
_OTHERS = (
    (NumberForm(False, True), "--accounting reads it"),
    (NumberForm(True, False), "--decimal-comma reads it"),
    (NumberForm(True, True), "--decimal-comma and --accounting together read it"),
)


def _trim(text: str, start: int, end: int) -> Tuple[int, int]:
    while start < end and text[start] in BLANKS:
        start += 1
    while end > start and text[end - 1] in BLANKS:
        end -= 1
    return start, end


def _skip_digits(text: str, at: int, end: int) -> int:
    while at < end and text[at] in DIGITS:
        at += 1
    return at


class LocalZone:
    """The zone of times that are written without an offset: a zone of the IANA database, or a fixed offset such as ``+05:30``. Raises WrongOption."""

    def __init__(self, name: str) -> None:
        self._zone = _find_zone(name)

    def offset(self, local: datetime) -> timedelta:
        """
        Returns the offset of a local time. A time that the clock shows twice is the earlier of both; a time that it skips has the offset from before the gap.
        """
        # That is what fold=0 means (PEP 495).
        return local.replace(tzinfo=self._zone, fold=0).utcoffset() or timedelta(0)


def _find_zone(name: str) -> tzinfo:
    fixed = re.fullmatch(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", name)
    if fixed:
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return timezone(-offset if fixed[1] == "-" else offset)
    if name == "UTC":
        return timezone.utc
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongOption(
            f"--time-zone: there is no zone {name}; zones are named as in the IANA database, such as Europe/Berlin, or +05:30."
        ) from None


UTC = LocalZone("UTC")

_KNOWN = "%Y %y %m %d %b %B %H %I %M %S %f %p %z %s %%"
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_RFC3339 = "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z"
_EPOCH = datetime(1970, 1, 1)


class DateForm:
    """
    A written form of times: the directives ``%Y %y %m %d %b %B %H %I %M %S %f %p %z %s %%`` as in C's and Python's ``strptime``, and text that stands for
    itself. Names of months and ``AM``, ``PM`` are English, in upper or lower case. Numbers of two digits may lack the leading zero, unless another number
    stands beside them without anything between. Raises WrongOption.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps: List[Tuple[str, str]] = []
        at = 0
        while at < len(text):
            if text[at] != "%":
                self._steps.append(("", text[at]))
            else:
                at += 1
                directive = text[at : at + 1]
                if directive == "%":
                    self._steps.append(("", "%"))
                elif not directive or f"%{directive}" not in _KNOWN:
                    raise WrongOption(f"--date-format has %{directive}, which is none of {_KNOWN}.")
                elif self._has(directive):
                    raise WrongOption(f"--date-format has %{directive} twice.")
                else:
                    self._steps.append((directive, ""))
            at += 1
        problem = self._problem()
        if problem:
            raise WrongOption(f"--date-format {problem}.")

    @property
    def has_offset(self) -> bool:
        """Whether a time in this form says its own offset."""
        return self._has("z") or self._has("s")

    def read(self, text: str, zone: LocalZone) -> Union[datetime, str]:
        """Returns the instant, a naive datetime in UTC; or the problem, a phrase of which the field is the subject."""
        parts = _Parts(text)
        for index, (directive, literal) in enumerate(self._steps):
            beside = [self._steps[at][0] for at in (index - 1, index + 1) if 0 <= at < len(self._steps)]
            fewest = 2 if any(name and name in "YymdHIMSf" for name in beside) else 1
            if not parts.read(directive, literal, fewest):
                return self._mismatch(text, parts.at)
        if parts.at < len(text):
            return self._mismatch(text, parts.at)
        instant = parts.assemble(zone)
        return f'does not exist: "{text}" is read by {self.text}' if instant is None else instant

    def _has(self, directive: str) -> bool:
        return any(known == directive for known, _ in self._steps)

    def _problem(self) -> Optional[str]:
        def count(directives: str) -> int:
            return sum(bool(directive) and directive in directives for directive, _ in self._steps)

        if self._has("s"):
            return "has %s beside other directives; %s alone is the whole time" if count("YymdbBHIMSfpzs") > 1 else None
        if count("Yy") != 1 or count("mbB") != 1 or not self._has("d"):
            return "needs one year (%Y or %y), one month (%m, %b or %B) and a day (%d)"
        if count("HI") > 1:
            return "has both %H and %I"
        return "needs %I and %p together" if self._has("I") != self._has("p") else None

    def _mismatch(self, text: str, at: int) -> str:
        if at < len(text):
            return f"does not have the form {self.text}: it has {name_character(text[at])} at character {at + 1}"
        return f"does not have the form {self.text}: it is cut short"


class _Parts:
    """The parts of a time, and how far its text was read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0
        self._numbers: Dict[str, int] = {}
        self._microseconds = 0
        self._is_afternoon: Optional[bool] = None
        self._offset: Optional[int] = None
        self._epoch: Optional[int] = None

    def read(self, directive: str, literal: str, fewest: int) -> bool:
        if not directive:
            fits = self._text.startswith(literal, self.at)
            self.at += len(literal) if fits else 0
            return fits
        if directive in "mdHIMS":
            return self._read_number(directive, fewest, 2)
        if directive == "Y":
            return self._read_number("Y", 4, 4)
        if directive == "y":
            fits = self._read_number("Y", 2, 2)
            self._numbers["Y"] += 2000 if self._numbers["Y"] < 69 else 1900
            return fits
        if directive in "bB":
            return self._read_month(directive == "B")
        if directive == "f":
            return self._read_fraction()
        if directive == "p":
            half = self._text[self.at : self.at + 2].lower()
            self._is_afternoon = half == "pm"
            fits = half in ("am", "pm")
            self.at += 2 if fits else 0
            return fits
        return self._read_offset() if directive == "z" else self._read_epoch()

    def assemble(self, zone: LocalZone) -> Optional[datetime]:
        if self._epoch is not None:
            return _moved(_EPOCH, timedelta(seconds=self._epoch))
        year, month, day = self._numbers["Y"], self._numbers["m"], self._numbers["d"]
        hour, minute, second = self._numbers.get("H", 0), self._numbers.get("M", 0), self._numbers.get("S", 0)
        if year < 1 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1] or minute > 59 or second > 60:
            return None
        if self._is_afternoon is not None:
            hour = self._numbers["I"]
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if self._is_afternoon else 0)
        if hour > 23 or (self._offset is not None and abs(self._offset) >= 24 * 60):
            return None
        local = datetime(year, month, day, hour, minute, min(second, 59))
        offset = zone.offset(local) if self._offset is None else timedelta(minutes=self._offset)
        # A leap second is the first instant after it, as in the API.
        return _moved(local, (timedelta(seconds=1) if second == 60 else timedelta(microseconds=self._microseconds)) - offset)

    def _digits(self, most: int) -> str:
        end = _skip_digits(self._text, self.at, min(len(self._text), self.at + most))
        digits = self._text[self.at : end]
        self.at = end
        return digits

    def _read_number(self, name: str, fewest: int, most: int) -> bool:
        digits = self._digits(most)
        self._numbers[name] = int(digits or "0")
        return len(digits) >= fewest

    def _read_month(self, is_whole: bool) -> bool:
        for number, month in enumerate(_MONTHS, 1):
            name = month if is_whole else month[:3]
            if self._text[self.at : self.at + len(name)].lower() == name:
                self._numbers["m"] = number
                self.at += len(name)
                return True
        return False

    def _read_fraction(self) -> bool:
        digits = self._digits(9)
        # Digits beyond the microsecond are cut off.
        self._microseconds = int(digits[:6].ljust(6, "0"))
        return bool(digits)

    def _read_offset(self) -> bool:
        sign = self._text[self.at : self.at + 1]
        if sign in ("Z", "z"):
            self.at += 1
            self._offset = 0
            return True
        if sign not in ("+", "-"):
            return False
        self.at += 1
        hours = self._digits(2)
        if len(hours) < 2:
            return False
        minutes = "0"
        has_colon = self._text.startswith(":", self.at)
        self.at += 1 if has_colon else 0
        if has_colon or self._text[self.at : self.at + 1] in DIGITS:
            minutes = self._digits(2)
            if len(minutes) < 2:
                return False
        # An offset that does not exist is found when the parts are put together.
        total = int(hours) * 60 + int(minutes)
        self._offset = 24 * 60 if int(hours) > 23 or int(minutes) > 59 else -total if sign == "-" else total
        return True

    def _read_epoch(self) -> bool:
        is_negative = self._text.startswith("-", self.at)
        self.at += 1 if is_negative else 0
        digits = self._digits(12)
        self._epoch = -int(digits or "0") if is_negative else int(digits or "0")
        return bool(digits)


def _moved(local: datetime, by: timedelta) -> Optional[datetime]:
    try:
        return local + by
    except OverflowError:
        return None


_CLOCKS = (" %H:%M", "T%H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f")
_LOCAL = tuple(DateForm(f"%Y-%m-%d{clock}") for clock in ("", *_CLOCKS))
# ISO 8601 has more ways to write an offset than RFC 3339, and databases use them: +01, +0100, a time without seconds.
_GLOBAL = tuple(DateForm(f"%Y-%m-%d{clock}%z") for clock in _CLOCKS)
_RFC3339_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))", re.ASCII
)


@dataclass(frozen=True)
class TimeForm:
    """The way in which a file writes times: by a form and in a zone, or else as RFC 3339."""

    form: Optional[DateForm] = None
    zone: Optional[LocalZone] = None

    @property
    def assumes_utc(self) -> bool:
        """Whether times have neither an offset nor a zone of their own, so that UTC is assumed."""
        return self.form is not None and not self.form.has_offset and self.zone is None

    def read(self, text: str) -> Tuple[str, Optional[str]]:
        """
        Returns a time as RFC 3339, as it stands if it is that already, otherwise in UTC, and None; or nothing, and the problem, a phrase of which the field
        is the subject.
        """
        if len(text) > LONGEST_VALUE:
            return "", _TOO_LONG
        if self.form is not None:
            return _outcome(self.form.read(text, self.zone or UTC))
        if _is_rfc3339(text):
            return text, None
        for form in _GLOBAL:
            instant = form.read(text, UTC)
            if isinstance(instant, datetime):
                return _outcome(instant)
        for form in _LOCAL:
            if isinstance(form.read(text, UTC), datetime):
                if self.zone is None:
                    return "", f"{_RFC3339}; --time-zone says in which zone a time without offset was written"
                return _outcome(form.read(text, self.zone))
        return "", f"{_RFC3339}; --date-format says how another form is written"


@dataclass(frozen=True)
class FileForms:
    """The ways in which a file writes numbers and times."""

    number: NumberForm = NumberForm()
    time: TimeForm = TimeForm()


def _outcome(read: Union[datetime, str]) -> Tuple[str, Optional[str]]:
    if isinstance(read, str):
        return "", read
    return read.isoformat(timespec="microseconds" if read.microsecond else "seconds") + "Z", None


def _is_rfc3339(text: str) -> bool:
    found = _RFC3339_TIME.fullmatch(text)
    if not found:
        return False
    year, month, day, hour, minute, second = (int(found[index]) for index in range(1, 7))
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1] or hour > 23 or minute > 59 or second > 60:
        return False
    if found[8] and (int(found[9]) > 23 or int(found[10]) > 59):
        return False
    offset = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    local = datetime(year, month, day, hour, minute, min(second, 59))
    microseconds = 0 if second == 60 else int((found[7] or ".0")[1:7].ljust(6, "0"))
    return _moved(local, timedelta(seconds=second == 60, microseconds=microseconds) - (-offset if found[8] == "-" else offset)) is not None
