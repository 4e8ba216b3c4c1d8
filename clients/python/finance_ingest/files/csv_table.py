"""Reads a CSV as banks and spreadsheets write it."""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .lines import LONGEST_LINE, SourceLine
from .problems import FileProblem
from .texts import BLANKS, counted, is_digits, lower_ascii, quote, read_field, read_lossy

BAD_QUOTE = "has a quote that is not closed, or one in the middle of a field"
TOO_LONG = "is longer than 1 MiB"

HEADER_LINES = 100
"""The number of lines among which the header is looked for."""

_LONGEST_HEAD = 2 * LONGEST_LINE
_SEPARATORS = (b",", b";", b"\t", b"|")
_COMPACT_AT = 1_024


class Column(NamedTuple):
    """A column that a table is read for. ``other_name`` is another name that means the same column."""

    name: str
    is_required: bool
    other_name: Optional[str] = None


class Record(NamedTuple):
    """The fields of one row as bytes, or the problem with it, a phrase of which the row is the subject. ``last_line`` is 0 for a row of one line."""

    line: int
    fields: List[bytes]
    problem: Optional[str]
    last_line: int = 0


class RecordReader:
    """
    Reads the records of a CSV. A record begins with a line, and has more lines only while a quoted field is open. A record that is badly quoted is refused by
    its first line, and reading goes on with the line after that one, so that a stray quotation mark costs one row.

    Time is linear whatever the text holds: a line that leaves a field open has an odd number of quotation marks, and so has the line that ends the search for
    the end of that field. Memory is bounded, because a record has at most 1 MiB.
    """

    def __init__(self, lines: Iterator[SourceLine]) -> None:
        self.separator = b","
        self._lines = lines
        # Lines that were read, but whose records were not given yet: those from _start on.
        self._ahead: List[SourceLine] = []
        self._start = 0

    def peek(self, index: int) -> Optional[SourceLine]:
        """Returns a line that has not been given yet, counted from 0; None when the text has no such line."""
        while len(self._ahead) - self._start <= index:
            line = next(self._lines, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[self._start + index]

    def skip(self, count: int) -> None:
        """Leaves lines out."""
        self._start += count
        if self._start == len(self._ahead) or (self._start > _COMPACT_AT and self._start > len(self._ahead) // 2):
            del self._ahead[: self._start]
            self._start = 0

    def records(self) -> Iterator[Record]:
        """Yields the records that are left."""
        separator = self.separator
        while True:
            if not self._ahead:
                # Most lines have no quotation mark.
                for line in self._lines:
                    if not line.text:
                        if line.is_too_long:
                            yield Record(line.number, [], TOO_LONG)
                    elif b'"' in line.text:
                        self._ahead.append(line)
                        break
                    else:
                        yield Record(line.number, line.text.split(separator), None)
            found = self.read_at(0)
            if found is None:
                return
            record, count = found
            self.skip(count)
            yield record

    def read_at(self, index: int) -> Optional[Tuple[Record, int]]:
        """Returns the record that begins with a line ahead, and the number of its lines; None at the end of the text."""
        line = self.peek(index)
        if line is None:
            return None
        if line.is_too_long:
            return Record(line.number, [], TOO_LONG), 1
        fields: List[bytes] = []
        count = self._parse(index, line.text, fields)
        if count == 0:
            return Record(line.number, [], BAD_QUOTE), 1
        return Record(line.number, fields, None, line.number + count - 1 if count > 1 else 0), count

    def _parse(self, index: int, text: bytes, fields: List[bytes]) -> int:
        """Splits a record into its fields; returns the number of its lines, or 0 when it is badly quoted."""
        separator = self.separator
        count = 1
        at = 0
        while True:
            first = self._skip_spaces(text, at)
            if text.startswith(b'"', first):
                at = first + 1
                parts: List[bytes] = []
                length = len(text)
                while True:
                    end = text.find(b'"', at)
                    if end < 0:
                        parts.append(text[at:])
                        parts.append(b"\n")
                        following = self.peek(index + count)
                        if following is None or following.is_too_long:
                            return 0
                        text = following.text
                        length += len(text) + 1
                        if length > LONGEST_LINE:
                            return 0
                        at = 0
                        count += 1
                    elif text.startswith(b'"', end + 1):
                        parts.append(text[at : end + 1])
                        at = end + 2
                    else:
                        parts.append(text[at:end])
                        at = end + 1
                        break
                fields.append(b"".join(parts))
                at = self._skip_spaces(text, at)
                if at < len(text) and not text.startswith(separator, at):
                    return 0
            else:
                end = text.find(separator, at)
                field = text[at:] if end < 0 else text[at:end]
                if b'"' in field:
                    return 0
                fields.append(field)
                at += len(field)
            if at == len(text):
                return count
            at += 1

    def _skip_spaces(self, text: bytes, at: int) -> int:
        spaces = b" " if self.separator == b"\t" else b" \t"
        while at < len(text) and text[at] in spaces:
            at += 1
        return at


class CsvTable:
    """
    A CSV with a header: the first line that names all required columns, in any order and case, separated by commas, semicolons, tabs or vertical bars. A line
    ``sep=;`` may say which. What stands before the header is left out. Empty fields at the end of a row don't count.

    Raises FileProblem when there is no header, or it has a column twice.
    """

    def __init__(self, lines: Iterator[SourceLine], columns: Sequence[Column]) -> None:
        self._columns = columns
        self._records = RecordReader(lines)
        self.places: List[int] = []
        """The place of each column in a row; -1 for one that the table does not have."""
        self._width = 0
        self._find_header()

    def rows(self) -> Iterator[Record]:
        """Yields the rows that are not empty."""
        width = self._width
        for record in self._records.records():
            if record.problem is not None:
                yield record
                continue
            fields = record.fields
            if len(fields) == width and not record.last_line and not _is_blank(fields[-1]):
                yield record
                continue
            count = _count_fields(fields)
            if count == 0:
                continue
            problem: Optional[str] = None
            if record.last_line and self._holds_rows(fields):
                problem = f"has a quoted field that goes on to line {record.last_line} and holds what looks like rows: a quote may be missing"
            elif len(fields) < width or count > width:
                problem = f"has {counted(max(count, min(len(fields), width)), 'field')} where the header has {width}"
            yield Record(record.line, fields, problem)

    def field(self, record: Record, column: int) -> bytes:
        """Returns the bytes of a field; nothing when the table does not have the column."""
        place = self.places[column]
        return b"" if place < 0 else record.fields[place]

    def _holds_rows(self, fields: List[bytes]) -> bool:
        """
        Whether a quoted field holds what looks like rows. A quotation mark that opens a field by mistake and meets another one would otherwise swallow the
        rows between them.
        """
        separator = self._records.separator.decode("ascii")
        for field in fields:
            for line in read_lossy(field).split("\n")[1:] if b"\n" in field else ():
                parts = line.split(separator)
                if len(parts) >= self._width and all(is_digits(parts[place].strip(BLANKS)) for place in self.places[:2]):
                    return True
        return False

    def _find_header(self) -> None:
        given = self._read_separator_line()
        separators = _SEPARATORS if given is None else (given,)
        records = self._records
        first: Optional[SourceLine] = None
        first_problem: Optional[str] = None
        best: Tuple[int, int, List[str], str] = (0, 0, [], "")
        length = 0
        for index in range(HEADER_LINES):
            line = records.peek(index) if length < _LONGEST_HEAD else None
            if line is None:
                break
            length += len(line.text)
            is_first = first is None and (line.is_too_long or not _is_blank(line.text))
            if is_first:
                first = line
            for separator in separators:
                records.separator = separator
                found = records.read_at(index)
                if found is None:
                    break
                record, lines = found
                if is_first:
                    first_problem = record.problem if separator == separators[0] or record.problem is None else first_problem
                names = [lower_ascii(read_lossy(field).strip(BLANKS)) for field in record.fields]
                missing = self._locate(names)
                if not missing and record.problem is None:
                    self._take_header(names, line.number)
                    self._width = _count_fields(record.fields)
                    records.skip(index + lines)
                    return
                known = sum(column.is_required for column in self._columns) - len(missing)
                if known > best[0]:
                    best = (known, line.number, missing, read_lossy(line.text))
        self._refuse(first, first_problem, best)

    def _refuse(self, first: Optional[SourceLine], first_problem: Optional[str], best: Tuple[int, int, List[str], str]) -> None:
        if first is None:
            raise FileProblem(f"is empty, so it has {lacking(self._columns)}")
        known, number, missing, text = best
        if not known:
            number, missing, text = first.number, [column.name for column in self._columns if column.is_required], read_lossy(first.text)
            if first_problem is not None:
                raise FileProblem(f"the header {first_problem}, so it has {lacking(self._columns)}", f"line {number}")
        raise FileProblem(f"the header has no {', '.join(missing)}; it reads {quote(text)}", f"line {number}")

    def _read_separator_line(self) -> Optional[bytes]:
        line = self._records.peek(0)
        if line is None or not line.text.startswith(b"sep="):
            return None
        # The separator may be a tab, which is blank, so the line is not trimmed.
        given = line.text[4:]
        if given not in _SEPARATORS:
            raise FileProblem("the line sep= names none of the separators , ; | and tab", "line 1")
        self._records.skip(1)
        return given

    def _locate(self, names: List[str]) -> List[str]:
        """Finds the places of the columns; returns the required ones that are missing."""
        at: Dict[str, int] = {}
        for place, name in enumerate(names):
            at.setdefault(name, place)
        self.places = [min((at[name] for name in (column.name, column.other_name) if name in at), default=-1) for column in self._columns]
        return [column.name for column, place in zip(self._columns, self.places) if column.is_required and place < 0]

    def _take_header(self, names: List[str], line: int) -> None:
        for column in self._columns:
            if sum(name in (column.name, column.other_name) for name in names) > 1:
                raise FileProblem(f"the header has {column.name} twice", f"line {line}")


def lacking(columns: Sequence[Column]) -> str:
    """Names what a file without a header lacks."""
    return f"no columns {', '.join(column.name for column in columns if column.is_required)}"


def _count_fields(fields: List[bytes]) -> int:
    count = len(fields)
    while count and _is_blank(fields[count - 1]):
        count -= 1
    return count


def _is_blank(field: bytes) -> bool:
    if not field:
        return True
    if 0x20 < field[0] < 0x7F:
        return False
    if not field.strip(b" \t"):
        return True
    text, problem = read_field(field)
    return problem is None and not text
