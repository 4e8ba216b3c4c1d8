"""The walk through a project with five unlike models, by Django's own test runner and by pytest, each in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from .support.django_site import require_django
from .support.servers import shared_server

require_django()

PACKAGE = Path(__file__).resolve().parents[1]


class WalkTests(unittest.TestCase):
    def walk(self, *command: str, **environment: Any) -> str:
        with tempfile.TemporaryDirectory(prefix="finance-ingest-walk-") as folder:
            inherited = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "WALK_SERVICE", "WALK_USE_TZ")}
            done = subprocess.run(
                [sys.executable, *command], cwd=PACKAGE, env={**inherited, "WALK_DATA": folder, **environment}, capture_output=True, text=True, timeout=600
            )
        output = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, output[-6000:])
        return output

    def django(self, *chosen: str, at_least: int = 120, **environment: str) -> None:
        output = self.walk("-m", "tests.walk.manage", "test", *chosen, **environment)
        ran = re.search(r"^Ran (\d+) tests", output, re.M)
        self.assertIsNotNone(ran, output)
        self.assertGreaterEqual(int(ran.group(1)), at_least)

    def test_with_time_zones(self) -> None:
        self.django("tests.walk.steps", WALK_USE_TZ="1")

    def test_without_time_zones(self) -> None:
        self.django("tests.walk.steps", WALK_USE_TZ="0")

    def test_with_a_real_service_without_time_zones(self) -> None:
        models = ("ExpenseWalk", "TicketWalk", "MembershipWalk", "CardPaymentWalk", "NumberedBookingWalk")
        steps = ("in_the_admin", "changed_by_save", "deleted", "export", "bulk", "erasing")
        chosen = [f"tests.walk.steps.{name}" for name in models] + [f"-k=*{step}*" for step in steps]
        self.django(*chosen, at_least=30, WALK_SERVICE=shared_server().url, WALK_USE_TZ="0")

    def test_with_pytest(self) -> None:
        if subprocess.run([sys.executable, "-c", "import pytest, pytest_django"], capture_output=True).returncode:
            self.skipTest("pytest-django is not installed: apt install python3-pytest-django")
        options = ["-q", "-p", "no:cacheprovider", "-o", "django_find_project=false", "--ds=tests.walk.settings"]
        output = self.walk("-m", "pytest", *options, "tests/walk/pytest_style.py")
        self.assertRegex(output, r"\b4 passed")

    def test_the_checks_find_nothing_to_say(self) -> None:
        self.assertIn("no issues", self.walk("-m", "tests.walk.manage", "check"))
        self.assertIn("No changes detected", self.walk("-m", "tests.walk.manage", "makemigrations", "--check", "--dry-run"))


if __name__ == "__main__":
    unittest.main()
