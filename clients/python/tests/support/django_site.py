"""The Django project of the tests, on a SQLite file of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from typing import Any

NO_DJANGO = "Django is not installed for this Python: apt install python3-django"


def require_django() -> None:
    """Skips a test module on a Python that has no Django."""
    try:
        import django  # noqa: F401
    except ImportError:
        raise unittest.SkipTest(NO_DJANGO) from None


class prepare_django:
    """Sets Django up and makes the test database; does nothing without Django."""

    def __init__(self) -> None:
        self._data = tempfile.mkdtemp(prefix="finance-ingest-django-")
        os.environ["TEST_SITE_DATA"] = self._data
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.site.settings"
        self._old: Any = None
        try:
            import django
            from django.test.utils import setup_databases, setup_test_environment
        except ImportError:
            return
        django.setup()
        setup_test_environment(debug=False)
        self._old = setup_databases(verbosity=0, interactive=False)

    def tear_down(self) -> None:
        """Deletes the test database."""
        if self._old is not None:
            from django.test.utils import teardown_databases

            teardown_databases(self._old, verbosity=0)
        shutil.rmtree(self._data, ignore_errors=True)
