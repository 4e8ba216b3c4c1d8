"""Reads files of baselines: CSV, JSON, and the older system's ``anomaly_stats.pkl``, which is read without executing anything."""

from __future__ import annotations

import io
import json
import math
import os
import re
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple, Union

from .csv_table import Column, CsvTable, Record, lacking
from .forms import NumberForm
from .lines import open_text, read_lines
from .pickles import Foreign, PickleDict, load_pickle
from .problems import FileProblem, WrongOption, system_problem
from .texts import BLANKS, LONGEST_VALUE, quote, read_field, scan_string
from .transaction_files import depth_of

Baseline = Dict[str, Any]

LARGEST_FILE = 64 * 1024 * 1024
"""The size of the largest file that is read, in bytes."""

MOST_ROWS = 1_000_000
"""The largest number of entries in a file, including refused entries and duplicates."""

MOST_KEPT = 10_000
"""The number of refused entries, and of duplicates, that are kept with their places."""

COLUMNS = (
    Column("user_id", True),
    Column("category_id", True),
    Column("mean", True),
    Column("std_dev", True, "std"),
    Column("sample_count", True, "count"),
)

_NAMES = tuple(column.name for column in COLUMNS)
_SPELLINGS = {**{name: name for name in _NAMES}, "std": "std_dev", "count": "sample_count"}
_INTEGERS = ("user_id", "category_id", "sample_count")
_LARGEST = 2**63 - 1
_MOST_ENTRIES = 20_000_000
_MOST_DEPTH = 64
_INTEGER = re.compile(r"[+-]?[0-9]+(\.0+)?", re.ASCII)
_NOT_FINITE = "must be a finite number"


@dataclass
class BaselineFile:
    """
    The content of a file of baselines: the valid ones in the file's order, one for each user and category, with their places; the entries that are none, as
    "PLACE: REASON"; and warnings about those that replaced an earlier one. Of very many refused entries and duplicates the first 10,000 are kept.
    """

    rows: List[Baseline] = field(default_factory=lambda: [])
    places: List[str] = field(default_factory=lambda: [])
    refused: List[str] = field(default_factory=lambda: [])
    duplicates: List[str] = field(default_factory=lambda: [])
    refused_count: int = 0
    duplicate_count: int = 0


def format_of(path: str) -> str:
    """Returns the format of a file by its extension: ``csv``, ``json`` or ``pkl``. Raises WrongOption for another one."""
    found = {".csv": "csv", ".json": "json", ".pkl": "pkl", ".pickle": "pkl"}.get(os.path.splitext(path)[1].lower())
    if found is None:
        raise WrongOption(f"{path}: the name must end in .csv, .json or .pkl")
    return found


def read_baselines(path: str, number: NumberForm = NumberForm()) -> BaselineFile:
    """Reads a file of baselines, of which a CSV writes numbers in that form. Raises FileProblem or WrongOption."""
    kind = format_of(path)
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise FileProblem(f"can't be read: {system_problem(error)}") from error
    if len(content) > LARGEST_FILE:
        raise FileProblem("is larger than 64 MiB; split it")
    collector = _Collector()
    if kind == "csv":
        _read_csv(io.BytesIO(content), number, collector)
    elif kind == "json":
        _JsonReader(content, collector).read()
    else:
        _read_pickle(content, collector)
    return collector.file


class _Fields:
    """The fields of one baseline, and the errors of those that could not be read."""

    def __init__(self) -> None:
        self.values: Dict[str, Any] = {}
        self.errors: Dict[str, List[str]] = {}
        self._met: Dict[str, int] = {}

    def add_error(self, name: str, message: str) -> None:
        self.errors.setdefault(name, []).append(message)

    def meet(self, name: str) -> bool:
        """Notes that a field occurs; returns False when it occurred before, which is an error whatever its value."""
        self._met[name] = self._met.get(name, 0) + 1
        if self._met[name] == 2:
            self.add_error(name, "is given twice")
        return self._met[name] == 1

    def set_text(self, name: str, text: str) -> None:
        """Takes a field's value from a text; a blank text means that the field is absent."""
        text = text.strip(BLANKS)
        if text:
            self.set_value(name, _parse_integer(text) if name in _INTEGERS else _parse_number(text))

    def set_value(self, name: str, value: Union[int, float, str]) -> None:
        """Takes a field's value, or the problem with it."""
        if not isinstance(value, str):
            self.values[name] = value
        else:
            self.add_error(name, _range_of(name) if value == _OUT_OF_RANGE else value)

    def validate(self) -> Optional[Baseline]:
        """Returns the baseline; None when there are errors."""
        self._check("user_id", _is_positive, _range_of("user_id"))
        self._check("category_id", _is_positive, _range_of("category_id"))
        self._check("mean", math.isfinite, _NOT_FINITE)
        self._check("std_dev", math.isfinite, _NOT_FINITE)
        self._check("std_dev", _is_not_negative, "must not be negative")
        self._check("sample_count", _is_not_negative, _range_of("sample_count"))
        return None if self.errors else {name: self.values[name] for name in _NAMES}

    def _check(self, name: str, holds: Callable[[float], bool], rule: str) -> None:
        is_present = name in self.values
        if is_present and holds(self.values[name]):
            return
        if is_present or name not in self.errors:
            self.add_error(name, rule if is_present else "is required")


class _Collector:
    """Collects the valid rows, refused entries and duplicates that the reader of a format finds."""

    def __init__(self) -> None:
        self.file = BaselineFile()
        self._positions: Dict[Tuple[int, int], int] = {}

    def add(self, place: str, fields: _Fields) -> None:
        self._ensure_room(place)
        row = fields.validate()
        file = self.file
        if row is None:
            self._refuse(place, fields.errors)
            return
        key = (row["user_id"], row["category_id"])
        position = self._positions.setdefault(key, len(file.rows))
        if position == len(file.rows):
            file.rows.append(row)
            file.places.append(place)
            return
        file.duplicate_count += 1
        if file.duplicate_count <= MOST_KEPT:
            file.duplicates.append(
                f"{place}: replaces {file.places[position]} (user {key[0]}, category {key[1]}): the last one of a key counts"
            )
        file.rows[position] = row
        file.places[position] = place

    def refuse(self, place: str, name: str, message: str) -> None:
        self._ensure_room(place)
        self._refuse(place, {name: [message]})

    def _refuse(self, place: str, errors: Dict[str, List[str]]) -> None:
        self.file.refused_count += 1
        if self.file.refused_count <= MOST_KEPT:
            reason = "; ".join(f"{'the entry' if name == '$' else name} {', '.join(messages)}" for name, messages in errors.items())
            self.file.refused.append(f"{place}: {reason}")

    def _ensure_room(self, place: str) -> None:
        if len(self.file.rows) + self.file.refused_count + self.file.duplicate_count >= MOST_ROWS:
            raise FileProblem(f"holds more than {MOST_ROWS:,} baselines; split it", place)


_OUT_OF_RANGE = "out of range"


def _is_positive(value: float) -> bool:
    return value >= 1


def _is_not_negative(value: float) -> bool:
    # NaN is not negative; another rule refuses it.
    return not value < 0


def _range_of(name: str) -> str:
    return f"must be from {0 if name == 'sample_count' else 1} to {_LARGEST}"


def _parse_integer(text: str) -> Union[int, str]:
    """Reads an integer, whose decimals may be zeros, because pandas writes integers like that once they were floats."""
    if not _INTEGER.fullmatch(text):
        return "must be an integer"
    digits = text.partition(".")[0]
    magnitude = digits.lstrip("+-").lstrip("0") or "0"
    return _in_range(int(f"-{magnitude}" if digits[0] == "-" else magnitude)) if len(magnitude) <= 19 else _OUT_OF_RANGE


def _in_range(value: int) -> Union[int, str]:
    return value if -(2**63) <= value <= _LARGEST else _OUT_OF_RANGE


_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)


def _parse_number(text: str) -> Union[float, str]:
    """Reads a double, finite or not, in the spellings of .NET and of Python."""
    if _NUMBER.fullmatch(text):
        return float(text)
    name = text.lstrip("+-").lower()
    if name in ("inf", "infinity"):
        return -math.inf if text[0] == "-" else math.inf
    return math.nan if name == "nan" else "must be a number"


def _float_integer(value: float) -> Union[int, str]:
    return _in_range(int(value)) if math.isfinite(value) and value.is_integer() else "must be an integer"


def _read_csv(file: BinaryIO, number: NumberForm, collector: _Collector) -> None:
    table = CsvTable(read_lines(open_text(file, lacking(COLUMNS))), COLUMNS)
    for record in table.rows():
        if record.problem is not None:
            collector.refuse(f"line {record.line}", "$", record.problem)
        else:
            collector.add(f"line {record.line}", _csv_fields(table, record, number))


def _csv_fields(table: CsvTable, record: Record, number: NumberForm) -> _Fields:
    fields = _Fields()
    for index, name in enumerate(_NAMES):
        text, problem = read_field(table.field(record, index))
        if text and name in _INTEGERS:
            whole = number.read_whole(text) if len(text) <= LONGEST_VALUE else None
            problem = "must be an integer" if whole is None else None
            fields.set_text(name, whole or "")
        elif text:
            # Python and spreadsheets write these for numbers that are none.
            if text.lstrip("+-").upper() in ("NAN", "INF", "INFINITY"):
                problem = _NOT_FINITE
            else:
                read, problem = number.read(text)
                fields.set_text(name, read)
        if problem is not None:
            fields.add_error(name, problem)
    return fields


class _Number(str):
    """A number of JSON, as it is written, or a name such as NaN, which Python writes and JSON does not have."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)
_WHITE = " \t\n\r"


class _NotJson(Exception):
    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class _JsonReader:
    """Reads baselines from JSON: nested by user and category, or an array of objects."""

    def __init__(self, content: bytes, collector: _Collector) -> None:
        try:
            self._text = b"".join(open_text(io.BytesIO(content), "no baselines")).decode("utf-8")
        except UnicodeDecodeError:
            raise FileProblem("is not UTF-8 text: save the file as UTF-8") from None
        self._collector = collector
        self._at = 0
        self._line = 1
        self._counted = 0

    def read(self) -> None:
        """Reads the whole file."""
        try:
            self._skip_white()
            if self._peek() == "{":
                self._read_users()
            elif self._peek() == "[":
                self._read_array()
            else:
                start = self._at
                self._value(0)
                raise FileProblem("must be an object of users, or an array of baselines", self._place(start))
            self._skip_white()
            if self._at < len(self._text):
                raise _NotJson(self._at)
        except _NotJson as error:
            raise FileProblem("is not JSON, or is cut short", self._place(error.at)) from None

    def _read_array(self) -> None:
        self._at += 1
        index = 0
        while self._more("]", index == 0):
            place = f"{self._place(self._at)} [{index}]"
            if self._peek() == "{":
                fields = _Fields()
                self._read_fields(fields, 1)
                self._collector.add(place, fields)
            else:
                self._value(1)
                self._collector.refuse(place, "$", "must be an object")
            index += 1

    def _read_users(self) -> None:
        self._at += 1
        is_first = True
        while self._more("}", is_first):
            is_first = False
            start = self._at
            user = self._name()
            place = f"{self._place(start)} [{quote(user)}]"
            number = _parse_integer(user.strip(BLANKS))
            if isinstance(number, str):
                self._value(1)
                self._collector.refuse(place, "user_id", f"must be an integer from 1 to {_LARGEST}")
            elif self._peek() != "{":
                self._value(1)
                self._collector.refuse(place, "$", "must be an object of categories")
            else:
                self._read_categories(user)

    def _read_categories(self, user: str) -> None:
        self._at += 1
        is_first = True
        while self._more("}", is_first):
            is_first = False
            start = self._at
            category = self._name()
            place = f"{self._place(start)} [{quote(user)}][{quote(category)}]"
            if self._peek() != "{":
                self._value(2)
                self._collector.refuse(place, "$", "must be an object with mean, std and count")
                continue
            fields = _Fields()
            for name, key in (("user_id", user), ("category_id", category)):
                fields.meet(name)
                fields.set_text(name, key)
            self._read_fields(fields, 2)
            self._collector.add(place, fields)

    def _read_fields(self, fields: _Fields, depth: int) -> None:
        self._at += 1
        is_first = True
        while self._more("}", is_first):
            is_first = False
            name = _SPELLINGS.get(self._name())
            value = self._value(depth + 1)
            if name is None or not fields.meet(name) or value is None:
                continue
            if not isinstance(value, _Number):
                fields.add_error(name, "must be an integer" if name in _INTEGERS else "must be a number")
            elif value in ("NaN", "Infinity", "-Infinity"):
                fields.add_error(name, f"must be a finite number, not {value}, which Python writes but JSON does not have")
            else:
                fields.set_text(name, value)

    def _more(self, end: str, is_first: bool) -> bool:
        """Goes to the next member or element; returns False behind the last."""
        self._skip_white()
        if self._peek() == end and is_first:
            self._at += 1
            return False
        if not is_first:
            if self._peek() == end:
                self._at += 1
                return False
            self._expect(",")
            self._skip_white()
        return True

    def _name(self) -> str:
        if self._peek() != '"':
            raise _NotJson(self._at)
        try:
            name, self._at = scan_string(self._text, self._at + 1, True)
        except json.JSONDecodeError as error:
            raise _NotJson(error.pos) from None
        self._skip_white()
        self._expect(":")
        self._skip_white()
        return name

    def _value(self, depth: int) -> Any:
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise _NotJson(error.pos) from None
        except RecursionError:
            raise _NotJson(self._at) from None
        if depth_of(value) + depth > _MOST_DEPTH:
            raise _NotJson(self._at)
        return value

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise _NotJson(self._at)
        self._at += 1

    def _skip_white(self) -> None:
        text, at = self._text, self._at
        while at < len(text) and text[at] in _WHITE:
            at += 1
        self._at = at

    def _place(self, at: int) -> str:
        if at > self._counted:
            self._line += self._text.count("\n", self._counted, at)
            self._counted = at
        return f"line {self._line}"


def _read_pickle(content: bytes, collector: _Collector) -> None:
    if not content:
        raise FileProblem("is empty, so it has no baselines")
    if content[:2] in (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        raise FileProblem("is compressed; save it without compression, or unpack it first")
    users = load_pickle(content)
    if not isinstance(users, PickleDict):
        found = f", but holds {quote(users.name)}; nothing was executed" if isinstance(users, Foreign) else ""
        raise FileProblem(f"must hold a dict of users{found}")
    entries = 0

    def visit(value: PickleDict) -> List[Tuple[Any, Any]]:
        # A value that a pickle shares is read each time it is used, so a few bytes can stand for very many entries.
        nonlocal entries
        entries += len(value.entries)
        if entries > _MOST_ENTRIES:
            raise FileProblem(f"has more than {_MOST_ENTRIES:,} entries; it is too large, or made to do harm")
        return value.entries

    for user, categories in visit(users):
        place = f"[{_step(user)}]"
        user_id = _pickle_integer(user)
        if isinstance(user_id, str):
            collector.refuse(place, "user_id", f"must be an integer from 1 to {_LARGEST}")
        elif not isinstance(categories, PickleDict):
            collector.refuse(place, "$", "must be a dict of categories")
        else:
            for category, statistics in visit(categories):
                inner = f"{place}[{_step(category)}]"
                if not isinstance(statistics, PickleDict):
                    collector.refuse(inner, "$", "must be a dict with mean, std and count")
                    continue
                fields = _Fields()
                for name, key in (("user_id", user), ("category_id", category)):
                    fields.meet(name)
                    fields.set_value(name, _pickle_integer(key))
                for key, value in visit(statistics):
                    found_name = _SPELLINGS.get(key) if isinstance(key, str) else None
                    if found_name is None or not fields.meet(found_name) or value is None:
                        continue
                    if found_name in _INTEGERS:
                        fields.set_value(found_name, "must be an integer" if isinstance(value, str) else _pickle_integer(value))
                    else:
                        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
                        fields.set_value(found_name, float(value) if is_number else "must be a number")
                collector.add(inner, fields)


def _pickle_integer(value: Any) -> Union[int, str]:
    if isinstance(value, Foreign):
        return _OUT_OF_RANGE if value.is_huge_integer else "must be an integer"
    if isinstance(value, str):
        return _parse_integer(value.strip(BLANKS))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "must be an integer"
    return _in_range(value) if isinstance(value, int) else _float_integer(value)


def _step(key: Any) -> str:
    """Returns a key as a message shows it."""
    if key is None:
        return "None"
    if isinstance(key, str):
        return quote(key)
    if isinstance(key, bool):
        return "True" if key else "False"
    if isinstance(key, int):
        return str(key)
    if isinstance(key, float):
        return _format_float(key)
    return "…"


def _format_float(number: float) -> str:
    """Returns the shortest text that reads back as the same double, as .NET writes it."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "-Infinity" if number < 0 else "Infinity"
    text = repr(number).replace("e", "E")
    return text
