"""The example as one runs it, looked at with a real browser."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from finance_ingest import Client

from .support.browser import Browser
from .support.django_site import require_django
from .support.servers import CHECKOUT, IngestServer, free_port, server_program

require_django()


# The smallest contrast of a badge's text with its background (WCAG 2.2, relative luminance), of all kinds of badges at once.
CONTRAST = """
(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map((value) => value / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return Math.min(...["none", "pending", "normal", "anomalous", "unscored", "failed", "refused", "withdrawn"].map((status) => {
    const badge = document.createElement("span");
    badge.className = "ingest-status ingest-" + status;
    document.body.append(badge);
    const style = getComputedStyle(badge);
    const [dark, bright] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
    if (style.backgroundColor.startsWith("rgba")) throw new Error(status + " has no background");
    badge.remove();
    return (bright + 0.05) / (dark + 0.05);
  }));
})()
"""


class ExampleTests(unittest.TestCase):
    """With FINANCE_INGEST_SCREENSHOTS in the environment the screenshots of the documentation go to that folder."""

    @classmethod
    def setUpClass(cls) -> None:
        IngestServer()  # Skips where none is built.
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        port, service_port = free_port(), free_port()
        cls.url, cls.service = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{service_port}"
        environment = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "FINANCE_INGEST_URL")}
        environment["FINANCE_INGEST_SERVER"] = str(server_program())
        cls.log = open(Path(cls.folder.name, "log"), "w+")
        cls.process = subprocess.Popen(
            [
                sys.executable, str(CHECKOUT / "examples" / "django-finance" / "run"),
                "--port", str(port), "--service-port", str(service_port), "--data", cls.folder.name,
            ],
            env=environment,
            stdout=cls.log,
            stderr=subprocess.STDOUT,
        )
        cls.addClassCleanup(cls.end)
        cls.wait_until_it_answers()

    @classmethod
    def end(cls) -> None:
        cls.process.send_signal(signal.SIGTERM)
        cls.process.wait(60)
        cls.log.close()

    @classmethod
    def wait_until_it_answers(cls) -> None:
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(cls.url + "/login/", timeout=5).close()
                return
            except OSError:
                if cls.process.poll() is not None or time.monotonic() > end:
                    cls.log.seek(0)
                    raise RuntimeError("the example does not run: " + cls.log.read()) from None
                time.sleep(0.1)

    def shot(self, browser: Browser, name: str) -> None:
        if os.environ.get("FINANCE_INGEST_SCREENSHOTS"):
            browser.screenshot(Path(os.environ["FINANCE_INGEST_SCREENSHOTS"], name + ".png"))

    def log_in(self, browser: Browser) -> None:
        browser.go(self.url + "/")
        browser.wait_for("document.querySelector('[name=username]')")
        browser.run("document.querySelector('[name=username]').value = document.querySelector('[name=password]').value = 'demo'")
        browser.run("document.querySelector('form').submit()")
        browser.wait_for("document.querySelector('[name=amount]') && document.readyState == 'complete'")

    def spend(self, browser: Browser, category: str, amount: str) -> None:
        browser.run("window.stale = true")
        browser.run(f"[...document.querySelectorAll('option')].find((option) => option.text == '{category}').selected = true")
        browser.run(f"document.querySelector('[name=amount]').value = '{amount}'")
        browser.run("document.querySelector('button').click()")
        browser.wait_for("!window.stale && document.readyState == 'complete' && document.querySelector('.ingest-status')")

    def test_a_transaction_turns_anomalous_in_the_page_without_a_reload(self) -> None:
        with Browser() as browser:
            self.log_in(browser)
            self.spend(browser, "Groceries", "3150")
            first = "document.querySelector('.ingest-status')"
            browser.wait_for(first + ".dataset.ingestStatus == 'normal'")
            self.spend(browser, "Groceries", "25000")
            browser.run("window.never_reloaded = true")
            self.assertIn(browser.run(first + ".dataset.ingestStatus"), ("pending", "anomalous"))
            self.shot(browser, "example-pending")
            browser.wait_for(first + ".dataset.ingestStatus == 'anomalous'")
            self.assertTrue(browser.run("window.never_reloaded"))
            self.assertRegex(browser.run(first + ".innerText"), r"anomalous \(z = \d+\.\d\)")
            # A webhook does not say the count; the next sync does.
            self.assertRegex(browser.run("document.querySelector('.ingest-explanation').innerText"), r"^usually 3,\d+\.\d\d ± \d+\.\d\d(, over 40 payments)?$")
            self.assertEqual(browser.run("getComputedStyle(document.querySelector('.ingest-anomalous')).fontWeight"), "700")
            self.shot(browser, "example-anomalous")
            browser.resize(1280, 560)
            browser.go(self.url + "/admin/ledger/transaction/?anomaly=anomalous")
            browser.wait_for("document.querySelectorAll('#result_list tbody tr').length >= 1 && document.querySelector('#result_list .ingest-anomalous')")
            self.shot(browser, "example-admin")
        with Client(self.service) as client:
            self.assertIn("25000.0", [str(found.amount) for found in client.anomalies()])

    def test_the_bell_rings_without_a_reload_and_its_page_says_why(self) -> None:
        with Browser() as browser:
            self.log_in(browser)
            unread = "Number(document.querySelector('.ingest-bell').dataset.ingestUnread)"
            before = browser.run(unread)
            browser.run("document.addEventListener('ingest-notification', () => { window.rung = true; })")
            # Somebody spends elsewhere: this page is not loaded again.
            browser.run("[...document.querySelectorAll('option')].find((option) => option.text == 'Groceries').selected = true")
            browser.run("document.querySelector('[name=amount]').value = '31000'")
            browser.run("fetch('/', {method: 'POST', body: new FormData(document.querySelector('main form'))})")
            browser.wait_for(f"window.rung && {unread} > {before}")
            label = browser.run("document.querySelector('.ingest-bell').getAttribute('aria-label')")
            self.assertEqual(label, f"{before + 1} unread notification" + ("s" if before else ""))
            browser.go(self.url + "/")
            browser.wait_for("document.querySelector('.ingest-status').dataset.ingestStatus == 'anomalous'")
            self.shot(browser, "example-bell")
            browser.run("document.querySelector('.ingest-bell').click()")
            browser.wait_for("document.querySelector('.ingest-notifications .ingest-new')")
            self.assertEqual(browser.run("document.querySelector('.ingest-new strong').innerText"), "Unusual transaction: 31,000.00")
            self.shot(browser, "example-notifications")
            browser.run("document.querySelector('[name=all]').click()")
            browser.wait_for("document.querySelector('.ingest-notifications') && !document.querySelector('.ingest-new')")
            self.assertEqual(browser.run(unread), 0)
            self.assertEqual(browser.run("document.querySelector('.ingest-unread').hidden"), True)

    def test_a_user_says_of_what_he_wants_to_be_told(self) -> None:
        with Browser() as browser:
            self.log_in(browser)
            browser.go(self.url + "/preferences/")
            browser.run("document.querySelector('[name=level]').value = 'rarely'")
            browser.run("document.querySelector('[name=minimum_amount]').value = '100'")
            browser.run("document.querySelector('[name=by_mail]').checked = true")
            browser.run("document.querySelector('[name=quiet_from]').value = '22:00'; document.querySelector('[name=quiet_until]').value = '07:00'")
            browser.run("document.querySelector('main form button').click()")
            browser.wait_for("document.querySelector('[role=status]:not(.ingest-bell)') && document.querySelector('[name=level]').value == 'rarely'")
            self.assertTrue(browser.run("document.querySelector('[name=by_mail]').checked"))
            self.shot(browser, "example-preferences")
            browser.run("document.querySelector('[name=level]').value = 'normal'; document.querySelector('[name=minimum_amount]').value = ''")
            browser.run("document.querySelector('[name=by_mail]').checked = false; document.querySelector('main form button').click()")
            browser.wait_for("document.querySelector('[name=by_mail]') && !document.querySelector('[name=by_mail]').checked")
        with Client(self.service) as client:
            self.assertEqual([value["level"] for value in client.sensitivity()], ["normal"])

    def test_the_pages_fit_a_telephone_and_the_badges_can_be_read_in_light_and_dark(self) -> None:
        with Browser(360, 740) as browser:
            browser.resize(360, 740)
            browser.go(self.url + "/login/")
            self.assertLessEqual(browser.run("document.documentElement.scrollWidth"), 360)
            self.log_in(browser)
            self.spend(browser, "Transport", "1234567.89")
            browser.wait_for("document.querySelector('.ingest-status').dataset.ingestStatus == 'anomalous'")
            for page in ("/notifications/", "/preferences/"):
                browser.go(self.url + page)
                browser.wait_for("document.querySelector('main form')")
                self.assertLessEqual(browser.run("document.documentElement.scrollWidth"), 360, page)
            for scheme in ("light", "dark"):
                browser.prefer(scheme)
                for page in ("/", "/admin/ledger/transaction/"):
                    for width in (320, 360, 768, 1280):
                        browser.resize(width, 740)
                        browser.go(self.url + page)
                        browser.wait_for("document.querySelector('.ingest-status')")
                        if page == "/":
                            self.assertLessEqual(browser.run("document.documentElement.scrollWidth"), width, (scheme, page))
                    self.assertGreaterEqual(browser.run(CONTRAST), 4.5, (scheme, page))
                self.assertEqual(browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", scheme == "light")
            # Django's admin lets its users choose, whatever the system prefers.
            for theme in ("light", "dark"):
                browser.run(f"document.documentElement.dataset.theme = '{theme}'")
                self.assertGreaterEqual(browser.run(CONTRAST), 4.5)

    def test_its_files_are_readable_for_their_owner_alone(self) -> None:
        files = [path for path in Path(self.folder.name).rglob("*") if path.name != "log"]
        self.assertIn("django.sqlite3", [path.name for path in files])
        for path in [*files, Path(self.folder.name)]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


if __name__ == "__main__":
    unittest.main()
