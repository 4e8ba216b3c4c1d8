"""
``python3 -m tests [PATTERN…]`` from clients/python: all tests, or those whose names contain a pattern.

Ends with "N passed, N failed, N skipped"; each skipped test is named with its reason.
"""

from __future__ import annotations

import os
import sys
import time
import unittest
from pathlib import Path
from typing import Any, Iterator, List, Tuple

from .support import servers
from .support.django_site import prepare_django

HERE = Path(__file__).resolve().parent


class Result(unittest.TextTestResult):
    """Counts the tests, and prints the time of each."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.passed = 0
        self.skipped_names: List[Tuple[str, str]] = []

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._started = time.monotonic()

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.passed += 1

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.skipped_names.append((test.id(), reason))


def tests_in(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from tests_in(entry)
        else:
            yield entry


def main(patterns: List[str]) -> int:
    django = prepare_django()
    try:
        loader = unittest.TestLoader()
        found = list(tests_in(loader.discover(str(HERE), top_level_dir=str(HERE.parent))))
        chosen = [test for test in found if not patterns or any(pattern in test.id() for pattern in patterns)]
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(unittest.TestSuite(chosen))
    finally:
        servers.stop_shared()
        django.tear_down()
    for name, reason in result.skipped_names:
        print(f"SKIPPED: {name} - {reason}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed, {len(result.skipped_names)} skipped")
    return 1 if failed or not result.passed else 0


if __name__ == "__main__":
    os.chdir(HERE.parent)
    sys.exit(main(sys.argv[1:]))
