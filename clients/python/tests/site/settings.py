"""Settings of the tests' project."""

import os
from pathlib import Path

DATA = Path(os.environ["TEST_SITE_DATA"])
SECRET_KEY = "tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.site.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "finance_ingest.django",
    "tests.site.purchases",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
if "TEST_SITE_POSTGRES" in os.environ:
    # "host=/var/run/postgresql user=postgres dbname=finance": an empty server for the tests, with psycopg2 or psycopg.
    _parts = dict(part.split("=", 1) for part in os.environ["TEST_SITE_POSTGRES"].split())
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _parts.get("dbname", "finance"),
            "USER": _parts.get("user", "postgres"),
            "HOST": _parts.get("host", ""),
            "PORT": _parts.get("port", ""),
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA / "site.sqlite3",
            "OPTIONS": {"timeout": 30},
            # A file, so that several threads and processes can use it.
            "TEST": {"NAME": DATA / "test.sqlite3"},
        }
    }
FINANCE_INGEST = {"URL": os.environ.get("TEST_SITE_SERVICE", "http://127.0.0.1:9")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "/static/"
USE_TZ = True
TIME_ZONE = "Asia/Kolkata"
