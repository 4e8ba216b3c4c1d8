#!/usr/bin/env python3
"""Django's command line for the example."""

import os
import sys
from pathlib import Path

# In a checkout the package is beside the example; a project of your own installs it instead.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python"))

if __name__ == "__main__":
    # The database and its journal are readable for their owner alone.
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
