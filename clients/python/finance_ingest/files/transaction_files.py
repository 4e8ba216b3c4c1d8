"""Reads files of transactions, CSV or NDJSON."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple, cast

from ..errors import InvalidTransaction
from ..transactions import Transaction
from .csv_table import TOO_LONG, Column, CsvTable, Record, lacking
from .forms import FileForms
from .lines import open_text, read_lines
from .problems import FileProblem, WrongOption, system_problem
from .texts import LONGEST_VALUE, read_field, scan_string

STANDARD_INPUT = "-"
"""The path that means standard input."""

MOST_DEPTH = 32
"""How deep objects and arrays of a line of NDJSON may be nested; the service reads twice as deep."""

COLUMNS = (Column("user_id", True), Column("category_id", True), Column("amount", True), Column("occurred_at", False), Column("idempotency_key", False))
"""The columns of a CSV, in the order in which their fields are checked."""

_LONGEST_KEY = 255
_LARGEST_ID = 2**63 - 1
_LARGEST_COPY = 4 << 30
_PIECE = 1 << 16
_KEY_RULE = "must have 1 to 255 characters"
_NOT_JSON = "is not JSON, or is nested more than 32 deep"
_SHORTENED = re.compile(r"[0-9.,]+E\+[0-9]+", re.ASCII)


class SourceRow(NamedTuple):
    """
    A row of a file. ``problem`` is why it can't be sent, a phrase of which the row is the subject, or None.

    ``fields`` are user, category, amount and time as the file has them, from which the row's idempotency key is made. ``own_key`` is the user and the key that
    the row itself has. ``values`` has what is sent.
    """

    line: int
    problem: Optional[str] = None
    fields: Tuple[bytes, ...] = ()
    has_time: bool = False
    has_key: bool = False
    own_key: Optional[Tuple[str, str]] = None
    values: Optional[Dict[str, Any]] = None


class FileTransaction(Transaction):
    """A transaction as a file has it. Its values are sent as they are, and the service says what is wrong with them."""

    def __init__(self, values: Dict[str, Any]) -> None:
        super().__init__(values.get("user_id", 0), values.get("category_id", 0), values.get("amount", ""))
        object.__setattr__(self, "_values", values)

    def to_json(self, default_key: str) -> Dict[str, Any]:
        """Returns the JSON object to send. Raises InvalidTransaction for what JSON can't express."""
        values: Dict[str, Any] = getattr(self, "_values")
        errors: Dict[str, List[str]] = {}
        sent: Dict[str, Any] = {}
        for name, value in values.items():
            if name in ("user_id", "category_id") and isinstance(value, _Number):
                if value.lstrip("-").isdigit():
                    if not 1 <= len(value) <= 19 or not 1 <= int(value) <= _LARGEST_ID:
                        errors[name] = ["must be from 1 to 9223372036854775807"]
                        continue
                    sent[name] = int(value)
                else:
                    errors[name] = ["must be an integer, written without decimals or exponent"]
            elif name == "idempotency_key" and isinstance(value, _Number):
                errors[name] = ["must be a string"]
            elif name == "idempotency_key" and isinstance(value, str) and not 1 <= len(value) <= _LONGEST_KEY:
                errors[name] = [_KEY_RULE]
            elif name == "occurred_at" and isinstance(value, _Number):
                errors[name] = ["must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z"]
            elif value is not None:
                # An amount that is a number goes as text, so that the service gets exactly its digits.
                sent[name] = value
        if errors:
            raise InvalidTransaction(errors)
        if sent.get("idempotency_key") is None:
            sent["idempotency_key"] = default_key
        return sent


class TransactionFile:
    """
    A file of transactions, or standard input, read once from start to end. A file's name ends in ``.csv``, ``.ndjson`` or ``.jsonl``; standard input is
    NDJSON. An input that can be read only once, such as a pipe, is copied to a temporary file first, unless ``once`` says that it has to be read only once.

    Raises WrongOption for another name, and FileProblem when the file can't be read.
    """

    def __init__(self, path: str, standard_input: BinaryIO, once: bool) -> None:
        self.path = path
        self.is_csv = is_csv(path)
        self._file = standard_input if path == STANDARD_INPUT else _open(path)
        if not once and not self._file.seekable():
            self._file = _copy(self._file)

    @property
    def name(self) -> Optional[str]:
        """The file's name without its folder; None for standard input."""
        return None if self.path == STANDARD_INPUT else os.path.basename(self.path)

    @property
    def title(self) -> str:
        """The file's name in messages."""
        return "Standard input" if self.path == STANDARD_INPUT else self.path

    def close(self) -> None:
        """Closes the file."""
        if self.path != STANDARD_INPUT:
            self._file.close()

    def rows(self, forms: FileForms) -> Iterator[SourceRow]:
        """Yields the rows. Raises FileProblem when the file as a whole can't be understood."""
        try:
            yield from _csv_rows(self._file, forms) if self.is_csv else _ndjson_rows(self._file)
        except OSError as error:
            raise FileProblem(f"can't be read: {system_problem(error)}") from error

    def hash_content(self) -> str:
        """Returns the SHA-256 of the whole content in hexadecimal. A reading that is under way is not disturbed."""
        digest = hashlib.sha256()
        at = self._file.tell()
        self._file.seek(0)
        for piece in iter(lambda: self._file.read(_PIECE), b""):
            digest.update(piece)
        self._file.seek(at)
        return digest.hexdigest()


def is_csv(path: str) -> bool:
    """Whether a file of that name is a CSV. Raises WrongOption when its name is neither that of a CSV nor that of NDJSON."""
    extension = os.path.splitext(path)[1].lower()
    if path != STANDARD_INPUT and extension not in (".csv", ".ndjson", ".jsonl"):
        raise WrongOption(f"{path}: the name must end in .csv, .ndjson or .jsonl, or be - for NDJSON on standard input.")
    return extension == ".csv"


def _open(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise FileProblem(f"can't be read: {system_problem(error)}") from error


def _copy(source: BinaryIO) -> BinaryIO:
    # The file has the mode 0600, and no name or one that is removed at once.
    copy: Any = tempfile.TemporaryFile(prefix="finance-ingest-")
    size = 0
    for piece in iter(lambda: source.read(_PIECE), b""):
        size += len(piece)
        if size > _LARGEST_COPY:
            raise FileProblem("is larger than 4 GiB; give --idempotency-prefix, with which it needs no temporary copy")
        copy.write(piece)
    copy.seek(0)
    return copy


def _csv_rows(file: BinaryIO, forms: FileForms) -> Iterator[SourceRow]:
    table = CsvTable(read_lines(open_text(file, lacking(COLUMNS))), COLUMNS)
    for record in table.rows():
        yield SourceRow(record.line, record.problem) if record.problem is not None else _csv_row(table, record, forms)


def _csv_row(table: CsvTable, record: Record, forms: FileForms) -> SourceRow:
    problems: List[str] = []
    texts: List[str] = []
    for index, column in enumerate(COLUMNS):
        text, problem = read_field(table.field(record, index))
        texts.append(text)
        if problem is not None:
            problems.append(f"{column.name} {problem}")
    if problems:
        return SourceRow(record.line, "; ".join(problems))
    user, category, amount, time, key = texts
    values: Dict[str, Any] = {}
    for name, text in (("user_id", user), ("category_id", category)):
        number, problem = _read_id(text, forms)
        values[name] = number
        if problem is not None:
            problems.append(f"{name} {problem}")
    values["amount"], problem = forms.number.read(amount) if amount else ("", "is required")
    if problem is not None:
        problems.append(f"amount {problem}")
    if time:
        values["occurred_at"], problem = forms.time.read(time)
        if problem is not None:
            problems.append(f"occurred_at {problem}")
    if key:
        values["idempotency_key"] = key
        if len(key) > _LONGEST_KEY:
            problems.append(f"idempotency_key {_KEY_RULE}")
    if problems:
        return SourceRow(record.line, "; ".join(problems))
    return SourceRow(
        record.line,
        fields=tuple(text.encode("utf-8") for text in texts[:4]),
        has_time=bool(time),
        has_key=bool(key),
        own_key=(str(values["user_id"]), key) if key else None,
        values=values,
    )


def _read_id(text: str, forms: FileForms) -> Tuple[int, Optional[str]]:
    if not text:
        return 0, "is required"
    whole = forms.number.read_whole(text) if len(text) <= LONGEST_VALUE else None
    if whole is None:
        is_shortened = len(text) <= LONGEST_VALUE and _SHORTENED.fullmatch(text)
        return 0, "must be an integer: a spreadsheet has shortened it" if is_shortened else "must be an integer"
    number = int(whole)
    return number, None if 1 <= number <= _LARGEST_ID else "must be from 1 to 9223372036854775807"


class _Number(str):
    """A number of JSON, as it is written."""

    __slots__ = ()


class _NotJson(ValueError):
    pass


def _refuse_constant(name: str) -> Any:
    raise _NotJson(name)


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_refuse_constant)
_WHITE = " \t\n\r"
_NAMES = ("user_id", "category_id", "amount", "occurred_at", "idempotency_key")


def _ndjson_rows(file: BinaryIO) -> Iterator[SourceRow]:
    for line in read_lines(open_text(file, "no transaction")):
        content = line.text.strip(b" \t")
        if line.is_too_long:
            yield SourceRow(line.number, TOO_LONG)
        elif content:
            yield _ndjson_row(line.number, content)


def _ndjson_row(number: int, content: bytes) -> SourceRow:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return SourceRow(number, "is not UTF-8: save the file as UTF-8")
    try:
        if not text.startswith("{"):
            value = _DECODER.decode(text)
            return SourceRow(number, _NOT_JSON if depth_of(value) > MOST_DEPTH else "must be an object")
        values, raw, twice = _members(text)
    except (ValueError, RecursionError):
        return SourceRow(number, _NOT_JSON)
    if twice is not None:
        return SourceRow(number, f"{twice} is given twice")
    key = values.get("idempotency_key")
    has_own = isinstance(key, str) and not isinstance(key, _Number) and _is_unicode(key) and "user_id" in raw
    return SourceRow(
        number,
        fields=tuple(raw.get(name, "").encode("utf-8") for name in _NAMES[:4]),
        has_time="occurred_at" in raw,
        has_key="idempotency_key" in raw,
        own_key=(raw["user_id"], str(key)) if has_own else None,
        values=values,
    )


def _members(text: str) -> Tuple[Dict[str, Any], Dict[str, str], Optional[str]]:
    """Returns the known members of an object that are not null, the texts of their values, and the first name that is given twice."""
    values: Dict[str, Any] = {}
    raw: Dict[str, str] = {}
    met: Dict[str, bool] = {}
    twice: Optional[str] = None
    at = _skip_white(text, 1)
    if text.startswith("}", at):
        _expect_end(text, at + 1)
        return values, raw, None
    while True:
        if not text.startswith('"', at):
            raise _NotJson("a name is missing")
        name, at = scan_string(text, at + 1, True)
        at = _skip_white(text, at)
        if not text.startswith(":", at):
            raise _NotJson("a colon is missing")
        start = _skip_white(text, at + 1)
        value, at = _DECODER.raw_decode(text, start)
        if depth_of(value) >= MOST_DEPTH:
            raise _NotJson("is nested too deep")
        if name in _NAMES:
            if name in met and twice is None:
                twice = name
            met[name] = True
            if value is not None:
                values[name] = value
                raw[name] = text[start:at]
        at = _skip_white(text, at)
        if text.startswith("}", at):
            _expect_end(text, at + 1)
            return values, raw, twice
        if not text.startswith(",", at):
            raise _NotJson("a comma is missing")
        at = _skip_white(text, at + 1)


def _is_unicode(text: str) -> bool:
    # JSON's grammar allows half a surrogate pair, which is no Unicode text.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _skip_white(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE:
        at += 1
    return at


def _expect_end(text: str, at: int) -> None:
    if _skip_white(text, at) != len(text):
        raise _NotJson("something follows")


def depth_of(value: Any) -> int:
    """Returns how deep objects and arrays are nested: 0 for a number or a text."""
    depth = 0
    level: List[Any] = [value]
    while True:
        inner: List[Any] = []
        is_deeper = False
        for one in level:
            if isinstance(one, dict):
                inner.extend(cast(Dict[str, Any], one).values())
                is_deeper = True
            elif isinstance(one, list):
                inner.extend(cast(List[Any], one))
                is_deeper = True
        if not is_deeper:
            return depth
        depth += 1
        level = inner
