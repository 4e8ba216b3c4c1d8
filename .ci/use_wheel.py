"""use_wheel.py ENVIRONMENT: imports every module of the installed package, and sets up its Django app if Django is installed."""

import importlib
import pathlib
import pkgutil
import sys

import finance_ingest

environment = pathlib.Path(sys.argv[1]).resolve()
package = pathlib.Path(finance_ingest.__file__).resolve().parent
if environment not in package.parents:
    sys.exit(f"finance_ingest comes from {package}, not from the wheel")

try:
    import django
except ImportError:
    django = None
else:
    from django.conf import settings

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        FINANCE_INGEST={"URL": "http://127.0.0.1:7071", "KEY": None},
        INSTALLED_APPS=[
            *(f"django.contrib.{app}" for app in ("admin", "auth", "contenttypes", "messages", "staticfiles")),
            "finance_ingest.django",
        ],
        SECRET_KEY="for this check alone",
        STATIC_URL="/static/",
        USE_TZ=True,
    )
    django.setup()

    from django.contrib.staticfiles import finders
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    if finders.find("finance_ingest/poll.js") is None:
        sys.exit("Django does not find the app's static files")

modules = [
    module.name
    for module in pkgutil.walk_packages([str(package)], "finance_ingest.")
    if not module.name.endswith("__main__") and (django is not None or not module.name.startswith("finance_ingest.django."))
]
for name in modules:
    importlib.import_module(name)
print(f"{len(modules)} modules, {'with Django ' + django.get_version() if django else 'without Django'}")
