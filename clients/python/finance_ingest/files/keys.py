"""Idempotency keys of rows, which are the same when the file is sent again, by this package or by ``finance-ingest submit``."""

from __future__ import annotations

import hashlib
import os
from array import array
from typing import Callable, Optional, Sequence

LONGEST_PREFIX = 150
"""The longest prefix in characters. With hash and occurrence, a key stays below the service's limit of 255."""

MOST_REMEMBERED = 2_000_000
"""The number of keys of their own that are remembered, to find rows that have the same one."""


class IdempotencyKeys:
    """
    Makes keys: ``PREFIX:SHA-256 of the fields:occurrence``. The occurrence numbers identical rows of the file, because two equal purchases are two
    transactions.

    The prefix distinguishes files. For a row with ``occurred_at`` it is the file's name, so that a corrected or extended file adds only its new rows. A row
    without a time may equal a row of any other day, so its prefix is the hash of the file's whole content: two different files then never swallow each other's
    rows. Standard input has no name, and all of its rows have the hash of the content.

    :param prefix: the prefix of all keys; None to choose it as described.
    :param file_name: the file's name without its folder; None for standard input.
    :param hash_content: hashes the file's content; called at most once, and only when a row needs it.
    """

    def __init__(self, prefix: Optional[str], file_name: Optional[str], hash_content: Callable[[], str]) -> None:
        self._prefix = prefix
        self._name = None if file_name is None else _shorten(file_name)
        self._hash_content = hash_content
        self._content: Optional[str] = None
        self._occurrences = OccurrenceTable()

    @property
    def uses_content(self) -> bool:
        """Whether a key contains the hash of the file's whole content, so that an edited file gets new keys."""
        return self._content is not None

    def key(self, fields: Sequence[bytes], has_time: bool) -> str:
        """Returns the key of the next row with these fields: user, category, amount and time as the file has them."""
        digest = hashlib.sha256(b"".join(len(field).to_bytes(4, "little") + field for field in fields)).digest()
        # 48 bits of the hash stand for the row, as in finance-ingest: rows that share them share a count, which is harmless and always the same.
        mark = int.from_bytes(digest[:2], "big") << 32 | max(1, int.from_bytes(digest[2:6], "big"))
        return f"{self._prefix_of(has_time)}:{digest.hex()}:{self._occurrences.add(mark)}"

    def _prefix_of(self, has_time: bool) -> str:
        if self._prefix is not None:
            return self._prefix
        if has_time and self._name is not None:
            return self._name
        if self._content is None:
            self._content = self._hash_content()
        return self._content


class NumberTable:
    """Keeps a number for each of many marks, whole numbers from 1 to 2^64-1, in some 24 to 48 bytes for each, where a dictionary takes four times as many."""

    def __init__(self) -> None:
        self._marks = array("Q", bytes(8 * 1_024))
        self._numbers = array("Q", bytes(8 * 1_024))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, mark: int) -> int:
        """Returns the place of a mark, or the empty place to which it belongs."""
        mask = len(self._marks) - 1
        # The marks are parts of hashes, whose low bits are as good as any.
        at = mark & mask
        while self._marks[at] and self._marks[at] != mark:
            at = (at + 1) & mask
        return at

    def get(self, place: int) -> int:
        """Returns the number at a place; 0 when it is empty."""
        return self._numbers[place]

    def put(self, place: int, mark: int, number: int) -> None:
        """Sets the number at a place that ``find`` returned."""
        if not self._marks[place]:
            self._count += 1
        self._marks[place] = mark
        self._numbers[place] = number
        if self._count * 3 > len(self._marks) * 2:
            self._grow()

    def _grow(self) -> None:
        marks, numbers = self._marks, self._numbers
        self._marks = array("Q", bytes(16 * len(marks)))
        self._numbers = array("Q", bytes(16 * len(marks)))
        for mark, number in zip(marks, numbers):
            if mark:
                place = self.find(mark)
                self._marks[place] = mark
                self._numbers[place] = number


class OccurrenceTable:
    """Counts how often each mark has occurred."""

    def __init__(self) -> None:
        self._table = NumberTable()

    def add(self, mark: int) -> int:
        """Returns the occurrence of a mark: 1 for the first, 2 for its first repeat, and so on."""
        place = self._table.find(mark)
        count = self._table.get(place) + 1
        self._table.put(place, mark, count)
        return count


class KeyRepeats:
    """Finds rows that have the user and the idempotency key of an earlier row. It remembers the first two million rows that have any."""

    def __init__(self) -> None:
        self._lines = NumberTable()

    def meet(self, user: str, key: str, line: int) -> Optional[int]:
        """Returns the line of the first row with this user and key; None when there was none, or it is not remembered."""
        digest = hashlib.sha256(f"{user}\0{key}".encode("utf-8", "surrogatepass")).digest()
        mark = int.from_bytes(digest[:8], "little") or 1
        place = self._lines.find(mark)
        first = self._lines.get(place)
        if first:
            return first
        if len(self._lines) < MOST_REMEMBERED:
            self._lines.put(place, mark, line)
        return None


def _shorten(name: str) -> str:
    text = os.fsencode(name).decode("utf-8", "replace")
    # The length counts UTF-16 units, as finance-ingest counts it.
    return text if len(text.encode("utf-16-le")) <= 2 * LONGEST_PREFIX else hashlib.sha256(text.encode("utf-8")).hexdigest()
