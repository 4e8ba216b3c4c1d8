"""``python3 -m tests.site.manage``: the tests' project in a process of its own."""

import os
import sys

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.site.settings"
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
