"""
Settings of a project with five unlike models in two databases. WALK_USE_TZ=0 makes it a project without time zones; WALK_SERVICE is the address of a
real service, without which the tests find one in memory.
"""

import os
from pathlib import Path

DATA = Path(os.environ["WALK_DATA"])
SECRET_KEY = "tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.walk.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "finance_ingest.django",
    "tests.walk.shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
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
DATABASES = {
    name: {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / f"{name}.sqlite3", "OPTIONS": {"timeout": 30}} for name in ("default", "second")
}
DATABASE_ROUTERS = ["tests.walk.routers.Router"]
# The address of the service that a careless test would write to: nothing listens there.
FINANCE_INGEST = {"URL": "http://127.0.0.1:9"}
if os.environ.get("WALK_SERVICE"):
    FINANCE_INGEST = {"URL": os.environ["WALK_SERVICE"], "BACKEND": "finance_ingest.django.backends.http"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "/static/"
USE_TZ = os.environ.get("WALK_USE_TZ", "1") == "1"
TIME_ZONE = "Europe/Berlin"
USE_I18N = True
