"""
Reads a pickle of protocol 0 to 5 without executing anything. It is a stack machine over dicts, lists, tuples, texts and numbers. It knows a dozen globals by
name; all others, and what they would return, stand as a Foreign, which holds nothing and does nothing, so that a value which nobody reads costs no file.

The instructions are described in CPython's ``Lib/pickletools.py``; the service's own tool reads pickles by the same rules. Time and memory are bounded: an
instruction takes time in proportion to the bytes and values that it consumes, and the number of values is limited.
"""

# The table of instructions stands below the class whose methods it names.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import re
import struct
from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple

from .problems import FileProblem

LONGEST_TEXT = 65_536
"""The longest text, bytes object or line that is read, in bytes."""

_HIGHEST_PROTOCOL = 5
_MOST_VALUES = 1_000_000
_MOST_MARKS = 1_000
_MOST_MEMOS = 4_000_000
_MOST_GAPS = 1_000
# Bounds the memory of all values together: each value costs one and each container two, wherever it is stored.
_BUDGET = 16_000_000
_LONGEST_NAME = 200


class PickleDict:
    """A dict of any class, as its entries in the order in which they were set. A key that was set twice has two entries."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: List[Tuple[Any, Any]] = []


class PickleList:
    """A list or a set."""

    __slots__ = ("items",)

    def __init__(self, items: List[Any]) -> None:
        self.items = items


class PickleTuple:
    """A tuple."""

    __slots__ = ("items",)

    def __init__(self, items: List[Any]) -> None:
        self.items = items


class Foreign:
    """The place of a value that this reader does not make. ``name`` is what the pickle names, such as ``functools.partial``."""

    __slots__ = ("name", "is_huge_integer")

    def __init__(self, name: str, is_huge_integer: bool = False) -> None:
        self.name = name[:_LONGEST_NAME]
        self.is_huge_integer = is_huge_integer


class _Global:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Dtype:
    """A number type of numpy: a kind and a size such as ``f8``, and a byte order, which the pickle sets afterwards."""

    def __init__(self, code: str, is_big_endian: bool) -> None:
        self.code = code
        self.is_big_endian = is_big_endian

    def decode(self, content: bytes) -> Any:
        """Returns the number that the bytes encode; None when their count is wrong."""
        if len(content) != int(self.code[1]):
            return None
        return struct.unpack((">" if self.is_big_endian else "<") + _FORMATS[self.code], content)[0]


_FORMATS = {"f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "u2": "H", "u1": "B", "b1": "?"}
_DTYPE_CLASSES = {
    "BoolDType": "b1",
    "Int8DType": "i1",
    "Int16DType": "i2",
    "Int32DType": "i4",
    "Int64DType": "i8",
    "UInt8DType": "u1",
    "UInt16DType": "u2",
    "UInt32DType": "u4",
    "UInt64DType": "u8",
    "Float16DType": "f2",
    "Float32DType": "f4",
    "Float64DType": "f8",
}
_GLOBALS = {
    ("builtins", "dict"): "dict",
    ("builtins", "int"): "int",
    ("builtins", "float"): "float",
    ("__builtin__", "dict"): "dict",
    ("__builtin__", "int"): "int",
    ("__builtin__", "long"): "int",
    ("__builtin__", "float"): "float",
    ("collections", "defaultdict"): "defaultdict",
    ("collections", "OrderedDict"): "dict",
    ("numpy.core.multiarray", "scalar"): "scalar",
    ("numpy._core.multiarray", "scalar"): "scalar",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    ("decimal", "Decimal"): "Decimal",
    ("_decimal", "Decimal"): "Decimal",
    ("_pydecimal", "Decimal"): "Decimal",
    **{("numpy.dtypes", name): name for name in _DTYPE_CLASSES},
}
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_DIGITS = re.compile(r"[+-]?[0-9]+", re.ASCII)
_UNSET = object()


def load_pickle(content: bytes) -> Any:
    """
    Returns the value that a pickle holds: None, a bool, int, float, str, bytes, or a type of this module.

    Raises FileProblem for a pickle that is damaged, cut short, too large, or has more behind its end.
    """
    return _Machine(content).load()


class _Machine:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0
        self._instruction = 0
        self._values: List[Any] = []
        self._marks: List[int] = []
        self._memo: List[Any] = []
        self._spent = 0

    def load(self) -> Any:
        content = self._content
        while True:
            self._instruction = self._at
            opcode = self._take(1)[0]
            if opcode == 0x2E:
                value = self._pop()
                if self._at != len(content):
                    self._fail("the pickle has more behind its end, which would not be read: a file has one object")
                return value
            step = _STEPS.get(opcode)
            if step is None:
                self._fail(f"is not a pickle, or is damaged: there is no instruction 0x{opcode:02x}")
            step(self)

    def _fail(self, reason: str) -> NoReturn:
        raise FileProblem(reason, f"byte {self._instruction}")

    # The bytes.

    def _take(self, count: int) -> bytes:
        if count > len(self._content) - self._at:
            self._fail("the pickle ends in the middle; the file is cut short")
        self._at += count
        return self._content[self._at - count : self._at]

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _line(self) -> str:
        end = self._content.find(b"\n", self._at, self._at + LONGEST_TEXT + 1)
        if end < 0:
            if len(self._content) - self._at > LONGEST_TEXT:
                self._fail(f"has a line longer than {LONGEST_TEXT:,} bytes")
            self._fail("the pickle ends in the middle; the file is cut short")
        line = self._content[self._at : end]
        self._at = end + 1
        return line.decode("latin-1")

    def _text(self, length: int) -> Optional[bytes]:
        """Reads a text of a length that the pickle gives; returns None, and leaves it out, when it is too long."""
        if length > LONGEST_TEXT:
            if length > len(self._content) - self._at:
                self._fail("the pickle ends in the middle; the file is cut short")
            self._at += length
            return None
        return self._take(length)

    # The stack.

    def _spend(self, values: int) -> None:
        self._spent += values
        if self._spent > _BUDGET:
            self._fail(f"the pickle makes more than {_BUDGET:,} values; it is too large, or made to do harm")

    def _push(self, value: Any) -> None:
        self._spend(2 if isinstance(value, (PickleDict, PickleList, PickleTuple)) else 1)
        if len(self._values) == _MOST_VALUES:
            self._fail(f"the pickle has more than {_MOST_VALUES:,} values in hand")
        self._values.append(value)

    def _peek(self) -> Any:
        if len(self._values) <= (self._marks[-1] if self._marks else 0):
            self._fail("the pickle is damaged: it takes a value where there is none")
        return self._values[-1]

    def _pop(self) -> Any:
        value = self._peek()
        del self._values[-1]
        return value

    def _mark(self) -> None:
        if len(self._marks) == _MOST_MARKS:
            self._fail(f"the pickle is nested more than {_MOST_MARKS:,} deep")
        self._marks.append(len(self._values))

    def _pop_to_mark(self) -> List[Any]:
        if not self._marks:
            self._fail("the pickle is damaged: a mark is missing")
        start = self._marks.pop()
        items = self._values[start:]
        del self._values[start:]
        return items

    def _drop(self) -> None:
        if self._marks and len(self._values) == self._marks[-1]:
            self._marks.pop()
        else:
            self._pop()

    def _drop_to_mark(self) -> None:
        self._pop_to_mark()

    def _expect_value(self) -> None:
        self._peek()

    def _put(self, index: int) -> None:
        value = self._peek()
        if index >= _MOST_MEMOS:
            self._fail(f"the pickle has more than {_MOST_MEMOS:,} memos")
        # Pickles number their memos from 0, and each memo takes at least one byte. A larger index could make a short pickle reserve memory for millions.
        if index > len(self._content) + _MOST_GAPS:
            self._fail(f"the pickle is damaged: memo {index} is beyond what it can hold")
        memo = self._memo
        if index == len(memo):
            memo.append(value)
            return
        while len(memo) <= index:
            memo.append(_UNSET)
        memo[index] = value

    def _get(self, index: int) -> None:
        value = self._memo[index] if index < len(self._memo) else _UNSET
        if value is _UNSET:
            self._fail(f"the pickle is damaged: memo {index} is missing")
        self._push(value)

    def _index(self) -> int:
        text = self._line()
        index = int(text) if _DIGITS.fullmatch(text) and len(text) < 20 else -1
        if index < 0:
            self._fail("the pickle is damaged: a memo's index is not a number")
        return index

    # Numbers and texts.

    def _push_number(self, number: Any) -> None:
        if number is None:
            self._fail("the pickle is damaged: a number is malformed")
        self._push(number)

    def _push_digits(self, text: str, may_be_bool: bool) -> None:
        if may_be_bool and text in ("00", "01"):
            self._push(text == "01")
            return
        digits = text[:-1] if text.endswith("L") else text
        self._push_number(_integer(int(digits) if len(digits) < 40 else 2**100) if _DIGITS.fullmatch(digits) else None)

    def _push_integer(self, length: int) -> None:
        content = self._text(length)
        self._push(Foreign("int", True) if content is None or len(content) > 9 else _integer(int.from_bytes(content, "little", signed=True)))

    def _push_float(self, text: str) -> None:
        name = text.strip().lstrip("+-").lower()
        if _FLOAT.fullmatch(text.strip()) or name in ("inf", "infinity", "nan"):
            self._push(float(text) if name not in ("inf", "infinity") else float("-inf" if text.strip().startswith("-") else "inf"))
        else:
            self._push_number(None)

    def _push_text(self, length: int, encoding: str) -> None:
        content = self._text(length)
        if content is None:
            self._push(Foreign("a long text"))
        else:
            self._push(content if not encoding else content.decode(encoding, "replace"))

    def _push_escaped(self, text: Optional[str]) -> None:
        if text is None:
            self._fail("the pickle is damaged: a text has a malformed escape")
        self._push(text)

    def _length(self) -> int:
        length = self._number("<i")
        if length < 0:
            self._fail("the pickle is damaged: a length is negative")
        return length

    # Containers.

    def _push_dict(self) -> None:
        items = self._pop_to_mark()
        made = PickleDict()
        self._set_items(made, items)
        self._push(made)

    def _set_item(self) -> None:
        value = self._pop()
        key = self._pop()
        self._set_items(self._peek_container(PickleDict, "a dict"), [key, value])

    def _set_many(self) -> None:
        items = self._pop_to_mark()
        self._set_items(self._peek_container(PickleDict, "a dict"), items)

    def _set_items(self, target: Any, items: List[Any]) -> None:
        if len(items) % 2:
            self._fail("the pickle is damaged: a key has no value")
        self._spend(len(items) // 2)
        if isinstance(target, PickleDict):
            target.entries.extend(zip(items[::2], items[1::2]))

    def _peek_container(self, kind: type, wanted: str) -> Any:
        """Returns the container on top, or a foreign object, whose items are not kept."""
        top = self._peek()
        if not isinstance(top, (kind, Foreign)):
            self._fail(f"the pickle is damaged: {wanted} is missing")
        return top

    def _push_list(self) -> None:
        items = self._pop_to_mark()
        self._spend(len(items))
        self._push(PickleList(items))

    def _append(self) -> None:
        item = self._pop()
        self._add_items([item])

    def _append_many(self) -> None:
        self._add_items(self._pop_to_mark())

    def _add_items(self, items: List[Any]) -> None:
        target = self._peek_container(PickleList, "a list")
        self._spend(len(items))
        if isinstance(target, PickleList):
            target.items.extend(items)

    def _push_tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._push(PickleTuple(items[::-1]))

    # Classes and functions.

    def _protocol(self) -> None:
        protocol = self._take(1)[0]
        if protocol > _HIGHEST_PROTOCOL:
            self._fail(f"the pickle has protocol {protocol}; the highest that is read is {_HIGHEST_PROTOCOL}")

    def _frame(self) -> None:
        if self._number("<Q") > len(self._content) - self._at:
            self._fail("the pickle ends in the middle; the file is cut short")

    def _pop_text(self, wanted: str) -> str:
        value = self._pop()
        if not isinstance(value, str):
            self._fail(f"the pickle is damaged: {wanted} is missing")
        return value

    def _global(self) -> None:
        module = self._line()
        self._push(_find_global(module, self._line()))

    def _stack_global(self) -> None:
        name = self._pop_text("a global's name")
        self._push(_find_global(self._pop_text("a global's module"), name))

    def _reduce(self) -> None:
        arguments = self._pop()
        if not isinstance(arguments, PickleTuple):
            self._fail("the pickle is damaged: a tuple of arguments is missing")
        self._push(self._call(self._pop(), arguments.items))

    def _inst(self) -> None:
        module = self._line()
        found = _find_global(module, self._line())
        self._push(self._call(found, self._pop_to_mark()))

    def _obj(self) -> None:
        parts = self._pop_to_mark()
        if not parts:
            self._fail("the pickle is damaged: a class is missing")
        self._push(self._call(parts[0], parts[1:]))

    def _new_object(self) -> None:
        self._pop()
        self._pop()
        made = self._pop()
        self._push(Foreign(made.name if isinstance(made, Foreign) else "an object"))

    def _outside(self, kind: str) -> None:
        self._push(Foreign(f"{kind} outside of the pickle"))

    def _persistent_id(self) -> None:
        self._line()
        self._outside("an object")

    def _persistent_id_on_stack(self) -> None:
        self._pop()
        self._outside("an object")

    def _extension(self, form: str) -> None:
        self._push(Foreign(f"class {self._number(form)} of Python's extension registry"))

    def _build(self) -> None:
        state = self._pop()
        built = self._peek()
        if isinstance(built, _Dtype):
            items = state.items if isinstance(state, PickleTuple) else []
            is_state = len(items) > 1 and isinstance(items[0], int) and not isinstance(items[0], bool) and isinstance(items[1], (str, bytes))
            order = (items[1].decode("latin-1") if isinstance(items[1], bytes) else items[1]) if is_state else ""
            if order not in ("<", ">", "|", "="):
                self._fail("the pickle is damaged: a numpy type has a malformed state")
            built.is_big_endian = order == ">"

    def _call(self, called: Any, arguments: List[Any]) -> Any:
        if isinstance(called, Foreign):
            return Foreign(called.name)
        name = called.name if isinstance(called, _Global) else ""
        if name == "dict":
            return self._make_dict(arguments)
        if name == "defaultdict":
            # The factory is never called, so any will do.
            return self._make_dict(arguments[1:])
        if name in ("int", "float"):
            return _make_number(arguments, name)
        if name == "Decimal":
            return _make_decimal(arguments)
        if name == "dtype":
            return _make_dtype(arguments[0] if arguments and isinstance(arguments[0], str) else "")
        if name in _DTYPE_CLASSES and not arguments:
            return _make_dtype(_DTYPE_CLASSES[name])
        if name == "scalar":
            return self._make_scalar(arguments)
        if name == "encode":
            return self._encode(arguments)
        return self._fail("the pickle calls something that can't be called; nothing was executed")

    def _make_dict(self, arguments: List[Any]) -> Any:
        made = PickleDict()
        if not arguments:
            return made
        source = arguments[0]
        if len(arguments) == 1 and isinstance(source, PickleDict):
            self._spend(len(source.entries))
            made.entries.extend(source.entries)
            return made
        if len(arguments) == 1 and isinstance(source, PickleList):
            self._spend(len(source.items))
            for item in source.items:
                pair = item.items if isinstance(item, (PickleTuple, PickleList)) else []
                if len(pair) != 2:
                    self._fail("a dict is made of a list that holds something other than pairs")
                made.entries.append((pair[0], pair[1]))
            return made
        return Foreign("dict")

    def _make_scalar(self, arguments: List[Any]) -> Any:
        if arguments and isinstance(arguments[0], Foreign):
            return Foreign("numpy.scalar")
        content = _bytes_of(arguments[1]) if len(arguments) == 2 else None
        value = arguments[0].decode(content) if content is not None and isinstance(arguments[0], _Dtype) else None
        if value is None:
            self._fail("the pickle is damaged: a numpy number does not have its type and the bytes of that type")
        return value

    def _encode(self, arguments: List[Any]) -> Any:
        # Protocols 0 to 2 have no bytes objects; a pickle then has Latin-1 text and a call that encodes it.
        is_latin = len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] in ("latin1", "latin-1", "iso-8859-1")
        content = _bytes_of(arguments[0]) if is_latin else None
        self._spend(len(content or b"") // 8)
        return Foreign("_codecs.encode") if content is None else content


def _find_global(module: str, name: str) -> Any:
    known = _GLOBALS.get((module, name))
    return Foreign(f"{module}.{name}") if known is None else _Global(known)


def _integer(value: int) -> Any:
    return value if -(2**63) <= value < 2**64 else Foreign("int", True)


def _make_number(arguments: List[Any], name: str) -> Any:
    if not arguments:
        return 0 if name == "int" else 0.0
    value = arguments[0]
    if len(arguments) > 1 or isinstance(value, bool) or not isinstance(value, (int, float)):
        return Foreign(name)
    return float(value) if name == "float" else value


def _make_decimal(arguments: List[Any]) -> Any:
    text = arguments[0].strip() if len(arguments) == 1 and isinstance(arguments[0], str) else ""
    if _FLOAT.fullmatch(text):
        return float(text)
    name = text.lstrip("+-").lower()
    if name in ("inf", "infinity"):
        return float("-inf" if text.startswith("-") else "inf")
    return float("nan") if name == "nan" else Foreign("decimal.Decimal")


def _make_dtype(code: str) -> Any:
    bare = code[1:] if code[:1] in ("<", ">", "|", "=") else code
    return _Dtype(bare, code.startswith(">")) if bare in _FORMATS else Foreign("numpy.dtype")


def _bytes_of(value: Any) -> Optional[bytes]:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return None


# The escapes of protocol 0.

_SIMPLE = {"\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_STRING_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|([0-7]{1,3})|([^x]))", re.DOTALL)
_UNICODE_ESCAPE = re.compile(r"\\\\|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\[uU]")


def _unquote(line: str) -> Optional[str]:
    """Reads a string in quotes, as Python 2's repr writes it; returns None when it is malformed."""
    text = line.strip()
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        return None
    text = text[1:-1]
    pieces: List[str] = []
    at = 0
    while True:
        start = text.find("\\", at)
        if start < 0:
            return "".join(pieces) + text[at:]
        found = _STRING_ESCAPE.match(text, start)
        if not found:
            return None
        pieces.append(text[at:start])
        if found[1]:
            pieces.append(chr(int(found[1], 16)))
        elif found[2]:
            pieces.append(chr(int(found[2], 8) & 0xFF))
        else:
            pieces.append(_SIMPLE.get(found[3], found[0]))
        at = found.end()


def _unescape(raw: str) -> Optional[str]:
    """Reads a string in Python's encoding raw-unicode-escape; returns None when an escape is malformed."""
    pieces: List[str] = []
    at = 0
    # Two backslashes stay two backslashes, and a u after them begins no escape.
    for found in _UNICODE_ESCAPE.finditer(raw):
        pieces.append(raw[at : found.start()])
        at = found.end()
        if found[0] == "\\\\":
            pieces.append(found[0])
            continue
        digits = found[1] or found[2]
        code = int(digits, 16) if digits else -1
        if not 0 <= code <= 0x10FFFF or (found[2] and code > 0xFFFF and 0xD800 <= code <= 0xDFFF):
            return None
        pieces.append(chr(code))
    return "".join(pieces) + raw[at:]


_STEPS: Dict[int, Callable[[_Machine], None]] = {
    ord("("): _Machine._mark,
    ord("0"): _Machine._drop,
    ord("1"): _Machine._drop_to_mark,
    ord("2"): lambda machine: machine._push(machine._peek()),
    ord("F"): lambda machine: machine._push_float(machine._line()),
    ord("I"): lambda machine: machine._push_digits(machine._line(), True),
    ord("J"): lambda machine: machine._push(machine._number("<i")),
    ord("K"): lambda machine: machine._push(machine._take(1)[0]),
    ord("L"): lambda machine: machine._push_digits(machine._line(), False),
    ord("M"): lambda machine: machine._push(machine._number("<H")),
    ord("N"): lambda machine: machine._push(None),
    ord("P"): _Machine._persistent_id,
    ord("Q"): _Machine._persistent_id_on_stack,
    ord("R"): _Machine._reduce,
    ord("S"): lambda machine: machine._push_escaped(_unquote(machine._line())),
    ord("T"): lambda machine: machine._push_text(machine._length(), "latin-1"),
    ord("U"): lambda machine: machine._push_text(machine._take(1)[0], "latin-1"),
    ord("V"): lambda machine: machine._push_escaped(_unescape(machine._line())),
    ord("X"): lambda machine: machine._push_text(machine._number("<I"), "utf-8"),
    ord("a"): _Machine._append,
    ord("b"): _Machine._build,
    ord("c"): _Machine._global,
    ord("d"): _Machine._push_dict,
    ord("}"): lambda machine: machine._push(PickleDict()),
    ord("e"): _Machine._append_many,
    ord("g"): lambda machine: machine._get(machine._index()),
    ord("h"): lambda machine: machine._get(machine._take(1)[0]),
    ord("i"): _Machine._inst,
    ord("j"): lambda machine: machine._get(machine._number("<I")),
    ord("l"): _Machine._push_list,
    ord("]"): lambda machine: machine._push(PickleList([])),
    ord("o"): _Machine._obj,
    ord("p"): lambda machine: machine._put(machine._index()),
    ord("q"): lambda machine: machine._put(machine._take(1)[0]),
    ord("r"): lambda machine: machine._put(machine._number("<I")),
    ord("s"): _Machine._set_item,
    ord("t"): lambda machine: machine._push(PickleTuple(machine._pop_to_mark())),
    ord(")"): lambda machine: machine._push(PickleTuple([])),
    ord("u"): _Machine._set_many,
    ord("G"): lambda machine: machine._push(struct.unpack(">d", machine._take(8))[0]),
    0x80: _Machine._protocol,
    0x81: _Machine._reduce,
    0x82: lambda machine: machine._extension("<B"),
    0x83: lambda machine: machine._extension("<H"),
    0x84: lambda machine: machine._extension("<I"),
    0x85: lambda machine: machine._push_tuple(1),
    0x86: lambda machine: machine._push_tuple(2),
    0x87: lambda machine: machine._push_tuple(3),
    0x88: lambda machine: machine._push(True),
    0x89: lambda machine: machine._push(False),
    0x8A: lambda machine: machine._push_integer(machine._take(1)[0]),
    0x8B: lambda machine: machine._push_integer(machine._length()),
    ord("B"): lambda machine: machine._push_text(machine._number("<I"), ""),
    ord("C"): lambda machine: machine._push_text(machine._take(1)[0], ""),
    0x8C: lambda machine: machine._push_text(machine._take(1)[0], "utf-8"),
    0x8D: lambda machine: machine._push_text(machine._number("<Q"), "utf-8"),
    0x8E: lambda machine: machine._push_text(machine._number("<Q"), ""),
    0x8F: lambda machine: machine._push(PickleList([])),
    0x90: _Machine._append_many,
    0x91: _Machine._push_list,
    0x92: _Machine._new_object,
    0x93: _Machine._stack_global,
    0x94: lambda machine: machine._put(len(machine._memo)),
    0x95: _Machine._frame,
    0x96: lambda machine: machine._push_text(machine._number("<Q"), ""),
    0x97: lambda machine: machine._outside("a buffer"),
    0x98: _Machine._expect_value,
}
