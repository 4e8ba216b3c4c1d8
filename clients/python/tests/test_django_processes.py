"""Processes that are killed, and commands that go on until they are stopped; each on a database of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path
from typing import Any

from finance_ingest import Client

from .support.django_site import require_django
from .support.servers import BASELINE, shared_server

require_django()

PACKAGE = Path(__file__).resolve().parents[1]

SETUP = """
import os, django
django.setup()
from django.contrib.auth.models import User
from django.db import transaction
from finance_ingest import Client
from finance_ingest.django.models import OutboxEntry
from finance_ingest.django.outbox import submit_on_commit
from tests.site.purchases.models import Purchase
user = User.objects.get_or_create(pk=399, username="u")[0]
"""


class ProcessTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.site.settings",
            "TEST_SITE_DATA": folder.name,
            "TEST_SITE_SERVICE": shared_server().url,
        }
        self.manage("migrate", "--verbosity", "0")

    def python(self, script: str, code: int = 0) -> str:
        return self.run_it(["-c", SETUP + textwrap.dedent(script)], code)

    def manage(self, *arguments: str, code: int = 0) -> str:
        return self.run_it(["-m", "tests.site.manage", *arguments], code)

    def run_it(self, arguments: Any, code: int) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=PACKAGE, env=self.environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def wait_for_row(self) -> None:
        ingest_id = self.python("print(Purchase.objects.get().ingest_id)").strip()
        with Client(shared_server().url) as client:
            client.wait_for(ingest_id)

    def assert_synced(self) -> None:
        self.wait_for_row()
        self.manage("sync_anomalies")
        states = self.python("print([(row.anomaly_status, row.z_score) for row in Purchase.objects.all()], OutboxEntry.objects.count())")
        self.assertEqual(states.strip(), "[('anomalous', 8.0)] 0")

    def test_a_crash_between_commit_and_submission_loses_nothing(self) -> None:
        self.python(
            """
            Client.submit_many = lambda *_, **__: os._exit(9)  # Killed at the very moment.
            with transaction.atomic():
                row = Purchase.objects.create(user=user, category_id=2310, amount=6000)
                submit_on_commit(row)
            """,
            code=9,
        )
        self.assertEqual(self.python("print(Purchase.objects.get().ingest_id, OutboxEntry.objects.get().state)").strip(), "None waiting")
        # The dead process's claim ends by itself; here the clock is helped along.
        self.python("OutboxEntry.objects.update(claimed_until=OutboxEntry.objects.get().created_at)")
        self.manage("submit_outbox")
        self.assert_synced()

    def test_a_crash_before_the_claim_needs_no_waiting(self) -> None:
        self.python(
            """
            with transaction.atomic():
                row = Purchase.objects.create(user=user, category_id=2310, amount=6000)
                transaction.on_commit(lambda: os._exit(9))
                submit_on_commit(row)
            """,
            code=9,
        )
        self.manage("sync_anomalies")
        self.assert_synced()

    def test_following_goes_on_until_sigterm_and_ends_cleanly(self) -> None:
        command = [sys.executable, "-m", "tests.site.manage", "sync_anomalies", "--follow", "--interval", "0.1"]
        process = subprocess.Popen(command, cwd=PACKAGE, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            self.python(
                """
                with transaction.atomic():
                    submit_on_commit(Purchase.objects.create(user=user, category_id=2310, amount=6000))
                """
            )
            line = process.stdout.readline()
            while "1 rows updated" not in line:
                self.assertTrue(line, process.stderr.read() if process.poll() is not None else "")
                line = process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors), (0, ""))
        self.assert_synced()

    def test_a_command_without_its_table_or_settings_says_so(self) -> None:
        self.environment["TEST_SITE_SERVICE"] = "nonsense"
        done = subprocess.run([sys.executable, "-m", "tests.site.manage", "sync_anomalies"], cwd=PACKAGE, env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("finance_ingest.E001", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    @classmethod
    def setUpClass(cls) -> None:
        with Client(shared_server().url) as client:
            client.put_stats([BASELINE])


if __name__ == "__main__":
    unittest.main()
