"""Texts of files, and how messages show them."""

from __future__ import annotations

import json.decoder
import unicodedata
from typing import Callable, Optional, Tuple

LONGEST_VALUE = 1_000
"""The longest id, number or time that is read, in characters."""

BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""The characters that don't count at the start and the end of a field or a column's name."""

DIGITS = frozenset("0123456789")

scan_string: Callable[[str, int, bool], Tuple[str, int]] = getattr(json.decoder, "scanstring")
"""
Reads a string of JSON from behind its first quotation mark, strictly if the third argument says so; returns it, and the place behind its last quotation mark.
Raises json.JSONDecodeError.
"""

_LONGEST_QUOTE = 60
_OBEYED = frozenset(("Cc", "Cf", "Zl", "Zp", "Cs"))


def read_field(content: bytes) -> Tuple[str, Optional[str]]:
    """Returns the text of a field, trimmed, and None; or nothing, and the problem: a phrase of which the field is the subject."""
    try:
        return content.decode("utf-8").strip(BLANKS), None
    except UnicodeDecodeError as error:
        return "", f"has the byte 0x{content[error.start]:02x}, which is not UTF-8: save the file as UTF-8"


def read_lossy(content: bytes) -> str:
    """Returns a text for a message, in which bytes that are not UTF-8 are replaced."""
    return content.decode("utf-8", "replace")


def name_character(character: str) -> str:
    """Names a character in a message."""
    code = ord(character)
    if 0x20 < code < 0x7F:
        return f'"{character}"'
    if code <= 0x20 or code == 0x7F or 0xD800 <= code <= 0xDFFF:
        return f"U+{code:04X}"
    return f'"{character}" (U+{code:04X})'


def is_digits(text: str) -> bool:
    """Whether a text has at least one character, and only the digits 0 to 9."""
    return bool(text) and text.isascii() and text.isdigit()


def lower_ascii(text: str) -> str:
    """Returns a text with the letters A to Z in lower case; only they have another case here, in every language."""
    return "".join(chr(ord(character) | 0x20) if "A" <= character <= "Z" else character for character in text)


def safe_line(text: str) -> str:
    """
    Returns the text on one line, in which a terminal obeys nothing: control and format characters are escaped, and line ends and tabs become spaces.
    """
    for end in ("\r\n", "\n", "\r", "\f", "\x85", "\u2028", "\u2029", "\t"):
        text = text.replace(end, " ")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character) if unicodedata.category(character) in _OBEYED else character for character in text)


def quote(text: str) -> str:
    """Returns the text on one line in double quotes, cut after 60 characters."""
    return f'"{safe_line(text[:_LONGEST_QUOTE])}…"' if len(text) > _LONGEST_QUOTE else f'"{safe_line(text)}"'


def counted(count: int, noun: str) -> str:
    """Returns a number and its noun, such as ``1 row`` or ``2 rows``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
