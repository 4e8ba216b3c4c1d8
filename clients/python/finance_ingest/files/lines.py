"""Finds out what a file is by its first bytes, and reads its text line by line, in bounded memory whatever the file holds."""

from __future__ import annotations

import codecs
from typing import BinaryIO, Iterator, NamedTuple, Optional

from .problems import FileProblem

LONGEST_LINE = 1 << 20
"""The longest line that is read, in bytes."""

_PIECE = 1 << 16

_KINDS = (
    (b"\x1f\x8b", "is compressed with gzip: unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive or a workbook of a spreadsheet: unpack it, or save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "is a workbook of an older spreadsheet: save it as CSV"),
    (b"%PDF", "is a PDF"),
)


class SourceLine(NamedTuple):
    """One line without its line end. ``text`` is empty when the line is too long to be read."""

    number: int
    text: bytes
    is_too_long: bool


def open_text(file: BinaryIO, wanted: str) -> Iterator[bytes]:
    """
    Returns the pieces of a file's text as UTF-8 without a byte order mark. UTF-16 is recognised by its own.

    ``wanted`` says what a file lacks that is no text. Raises FileProblem when the file is empty, or is compressed, a workbook or a PDF.
    """
    head = file.read(4)
    # A pipe may give less than was asked for.
    while 0 < len(head) < 4:
        more = file.read(4 - len(head))
        if not more:
            break
        head += more
    if not head:
        raise FileProblem(f"is empty, so it has {wanted}")
    for start, kind in _KINDS:
        if head.startswith(start):
            raise FileProblem(f"{kind}; as it is, it has {wanted}")
    if head.startswith(codecs.BOM_UTF8):
        return _pieces(head[3:], file)
    if head.startswith(codecs.BOM_UTF16_LE):
        return _from_utf16(_pieces(head[2:], file), "utf-16-le")
    if head.startswith(codecs.BOM_UTF16_BE):
        return _from_utf16(_pieces(head[2:], file), "utf-16-be")
    return _pieces(head, file)


def read_lines(pieces: Iterator[bytes]) -> Iterator[SourceLine]:
    """Yields the lines of a text. A line ends with LF, CR LF, or CR alone."""
    number = 0
    rest = b""
    is_too_long = False
    after_return = False
    for piece in pieces:
        # CR LF is one line end, also where it lies on both sides of a piece's end.
        if after_return and piece.startswith(b"\n"):
            piece = piece[1:]
        if not piece:
            continue
        after_return = piece.endswith(b"\r")
        ends = piece.endswith((b"\n", b"\r"))
        lines = piece.splitlines()
        lines[0] = rest + lines[0]
        rest = b"" if ends else lines.pop()
        for line in lines:
            number += 1
            if is_too_long or len(line) > LONGEST_LINE:
                yield SourceLine(number, b"", True)
                is_too_long = False
            else:
                yield SourceLine(number, line, False)
        if len(rest) > LONGEST_LINE:
            is_too_long = True
            rest = b""
    if rest or is_too_long:
        yield SourceLine(number + 1, b"" if is_too_long else rest, is_too_long)


def _pieces(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    piece: Optional[bytes] = head
    while piece is not None:
        if piece:
            yield piece
        piece = file.read(_PIECE) or None


def _from_utf16(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """
    Yields UTF-16 as UTF-8. Half a surrogate pair becomes three bytes that are not UTF-8, and a last odd byte becomes 0xFF, so that only the field in which
    it stands is refused.
    """
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "surrogatepass")
    kept, _ = decoder.getstate()
    if len(kept) >= 2:
        yield kept[:2].decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    if len(kept) % 2:
        yield b"\xff"
