"""Settings of the example. For a laptop only: DEBUG is on and the secret key is no secret."""

import os
from pathlib import Path

DATA = Path(os.environ.get("EXAMPLE_DATA") or Path(__file__).resolve().parent.parent / "data")

SECRET_KEY = "example"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "project.urls"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "finance_ingest.django",
    "ledger",
]

FINANCE_INGEST = {
    "URL": os.environ.get("FINANCE_INGEST_URL", "http://127.0.0.1:7071"),
    "KEY": os.environ.get("FINANCE_INGEST_KEY") or None,
    # The secret of the service's webhook channel, which the script "run" makes.
    "WEBHOOK_SECRETS": [secret for secret in [os.environ.get("FINANCE_INGEST_WEBHOOK_SECRET")] if secret],
    "NOTIFICATIONS": True,
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
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

# The web server and sync_anomalies write at the same time: each waits for the other.
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "django.sqlite3", "OPTIONS": {"timeout": 20}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "Asia/Kolkata"
STATIC_URL = "/static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "transactions"
