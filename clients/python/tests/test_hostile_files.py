"""
Files that are made to take long or much memory. Work is counted in executed lines and allocated memory, which don't depend on the machine: four times the
file may take four times the lines, and no more memory.
"""

import sys
import tempfile
import tracemalloc
import unittest
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Dict, Tuple

from finance_ingest.files.baselines import read_baselines
from finance_ingest.files.forms import FileForms
from finance_ingest.files.problems import FileProblem
from finance_ingest.files.transaction_files import TransactionFile

SIZE = 16 * 1024
LONG = 1 << 20
HEADER = b"user_id,category_id,amount,memo\n"
STATS = b"user_id,category_id,mean,std_dev,sample_count\n"

FILES: Dict[str, Tuple[str, bytes, bytes, int]] = {
    "rows that are refused": (".csv", HEADER, b"1,2,x,memo\n", SIZE),
    "quotes that are never closed": (".csv", HEADER, b'1,2,3,"abc\n', SIZE),
    "a quote that is never closed, and escaped ones": (".csv", HEADER + b'1,2,3,"\n', b'1,2,""3,4\n', SIZE),
    "one line": (".csv", HEADER, b"1,", LONG),
    "numbers of many digits": (".csv", HEADER, b"1,2," + b"9" * 20_000 + b",x\n", LONG),
    "objects that are not closed": (".ndjson", b"", b'{"user_id": 1, "amount"\n', SIZE),
    "arrays in arrays": (".ndjson", b"", b"[" * 5_000 + b"\n", LONG),
    "one line of brackets": (".ndjson", b"", b"[", LONG),
    "numbers of many digits, as JSON": (".ndjson", b"", b'{"user_id":1,"category_id":2,"amount":' + b"9" * 20_000 + b"}\n", LONG),
    "baselines that are refused": (".csv", STATS, b"1,2,x,1,1\n", SIZE),
    "baselines on one line": (".csv", STATS, b"1,", LONG),
    "items that are refused": (".json", b"[", b'{"user_id":0},', SIZE),
    "brackets": (".json", b"", b"[", LONG),
    "marks": (".pkl", b"\x80\x04", b"(", SIZE),
    "dicts": (".pkl", b"\x80\x04", b"}", SIZE),
    "memos": (".pkl", b"\x80\x04}", b"\x94", SIZE),
}

LOOKED_AHEAD = {"a quote that is never closed, and escaped ones"}


def count_lines(action: Callable[[], Any]) -> int:
    """How many lines of Python the action executes."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return lines


def peak_of(action: Callable[[], Any]) -> int:
    """The most bytes that the action holds at once."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class HostileFileTests(unittest.TestCase):
    def read(self, path: Path, of_baselines: bool) -> None:
        """Reads a file to its end."""
        try:
            if of_baselines:
                self.assertEqual([], list(read_baselines(str(path)).rows))
            else:
                file = TransactionFile(str(path), sys.stdin.buffer, once=True)
                try:
                    for row in file.rows(FileForms()):
                        self.assertLess(len(row.problem or ""), 1_000)
                finally:
                    file.close()
        except FileProblem as error:
            self.assertLess(len(str(error)), 1_000)

    def test_work_grows_with_the_file_and_not_faster_and_memory_is_bounded(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name, (extension, start, unit, size) in FILES.items():
                with self.subTest(name):
                    of_baselines = extension in (".json", ".pkl") or start == STATS
                    paths = []
                    for factor in (1, 4):
                        path = Path(folder) / f"{factor}{extension}"
                        path.write_bytes(start + unit * (factor * size // len(unit)))
                        paths.append(path)
                    self.read(paths[0], of_baselines)
                    small, large = (count_lines(partial(self.read, path, of_baselines)) for path in paths)
                    self.assertLessEqual(large, 5 * small + 2_000)
                    small, large = (peak_of(partial(self.read, path, of_baselines)) for path in paths)
                    # A file of baselines is held as a whole, and the lines of an open quote up to a mebibyte: that is their bound.
                    self.assertLessEqual(large, (5 * small if of_baselines or name in LOOKED_AHEAD else small) + 4 * LONG)


if __name__ == "__main__":
    unittest.main()
