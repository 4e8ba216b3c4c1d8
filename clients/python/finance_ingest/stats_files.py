"""
Reads and writes files of baselines: the CSV of ``finance-ingest stats import``, and the older system's ``anomaly_stats.pkl``.

A pickle is read without executing anything: only numbers, dictionaries and numpy's numbers are built, and numpy need not be installed.
"""

from __future__ import annotations

import collections
import csv
import pickle
import struct
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, TextIO, Tuple, cast

COLUMNS = ("user_id", "category_id", "mean", "std_dev", "sample_count")

Baseline = Dict[str, Any]


class StatsFileError(ValueError):
    """The file is not a file of baselines."""


def read_stats_file(path: str) -> List[Baseline]:
    """Returns the baselines of a .csv or .pkl file. Raises StatsFileError or OSError."""
    try:
        if path.lower().endswith((".pkl", ".pickle")):
            return list(_from_nested(_read_pickle(path)))
        with open(path, encoding="utf-8-sig", newline="") as file:
            return list(_from_csv(file))
    except StatsFileError as error:
        raise StatsFileError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise StatsFileError(f"{path}: is not UTF-8 text: {error}") from None


def write_stats(file: TextIO, baselines: Iterable[Mapping[str, Any]]) -> int:
    """Writes a CSV and returns the number of rows. Numbers read back exactly."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for baseline in baselines:
        writer.writerow([repr(value) if isinstance(value, float) else value for value in (baseline[name] for name in COLUMNS)])
        count += 1
    return count


def _from_csv(file: TextIO) -> Iterator[Baseline]:
    reader = csv.DictReader(file)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise StatsFileError(f"the header has no {', '.join(missing)}; it must be {','.join(COLUMNS)}")
    for row in reader:
        try:
            yield {
                "user_id": int(row["user_id"]),
                "category_id": int(row["category_id"]),
                "mean": float(row["mean"]),
                "std_dev": float(row["std_dev"]),
                "sample_count": int(row["sample_count"]),
            }
        except (TypeError, ValueError) as error:
            raise StatsFileError(f"line {reader.line_num}: {error}") from None


def _from_nested(stats: Any) -> Iterator[Baseline]:
    """Yields the baselines of ``{user: {category: {"mean", "std", "count"}}}``."""
    for user, categories in _items(stats, "the file"):
        for category, values in _items(categories, f"user {user}"):
            place = f"user {user}, category {category}"
            values = dict(_items(values, place))
            try:
                yield {
                    "user_id": int(user),
                    "category_id": int(category),
                    "mean": float(values["mean"]),
                    "std_dev": float(values["std"]),
                    "sample_count": int(values["count"]),
                }
            except KeyError as error:
                raise StatsFileError(f"{place} has no {error}") from None
            except (TypeError, ValueError) as error:
                raise StatsFileError(f"{place}: {error}") from None


def _items(value: Any, place: str) -> Iterable[Tuple[Any, Any]]:
    if not isinstance(value, dict):
        raise StatsFileError(f"{place} has no dictionary but {type(value).__name__}")
    return cast(Dict[Any, Any], value).items()


def _read_pickle(path: str) -> Any:
    with open(path, "rb") as file:
        try:
            return _NumbersOnly(file, encoding="latin-1").load()
        except StatsFileError:
            raise
        except Exception as error:
            raise StatsFileError(f"can't be read as a pickle: {error}") from None


class _NumbersOnly(pickle.Unpickler):
    """An unpickler that knows containers and numpy's constructors of numbers only."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise StatsFileError(f"contains {module}.{name}, which is neither a number nor a dictionary; nothing was executed") from None


class _Dtype:
    """The stand-in for numpy.dtype, which is pickled as a code such as "f8" and a state with the byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code = code
        self.order = "<"

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        self.order = ">" if state[1] == ">" else "<"


def _numpy_scalar(dtype: _Dtype, data: Any) -> Any:
    formats = {"f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "u2": "H", "u1": "B", "b1": "?"}
    if dtype.code not in formats:
        raise StatsFileError(f"contains a numpy number of type {dtype.code}")
    # Protocol 2 and lower write bytes as latin-1 text.
    return struct.unpack(dtype.order + formats[dtype.code], data.encode("latin-1") if isinstance(data, str) else data)[0]


def _latin1(text: str, encoding: str) -> bytes:
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    return b""


_KNOWN: Dict[Tuple[str, str], Callable[..., Any]] = {
    ("collections", "defaultdict"): collections.defaultdict,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "dict"): dict,
    ("builtins", "float"): float,
    ("builtins", "int"): int,
    ("__builtin__", "dict"): dict,
    ("__builtin__", "float"): float,
    ("__builtin__", "int"): int,
    ("builtins", "bytes"): _no_bytes,
    ("__builtin__", "bytes"): _no_bytes,
    ("_codecs", "encode"): _latin1,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "scalar"): _numpy_scalar,
    ("numpy._core.multiarray", "scalar"): _numpy_scalar,
}
