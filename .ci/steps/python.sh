# tests the Python package against a real server, with Django and a browser where they can be installed, and checks its types
need_debian python3-django python3-pytest-django python3-djangorestframework python3-celery chromium -- \
  eval "/usr/bin/python3 -c 'import django, pytest_django, rest_framework, celery' && command -v chromium"

# If an earlier step of this run has built the server, the tests use that build. Otherwise run-tests builds the server and nothing else.
if [ -e "$results/build.exit" ]; then
  export FINANCE_INGEST_SERVER=$PWD/src/IngestServer/bin/Debug/net10.0/IngestServer.dll
fi
clients/python/run-tests | tee "$scratch/python.log"
record_summary clients/python/run-tests "$scratch/python.log"

# pyright_in FOLDER: checks the types in a folder by its own configuration, on a Python without packages.
pyright_in() {
  tests/pyright/node_modules/.bin/pyright --pythonpath tests/pyright/python --project "$1"
}

if npm ci --prefix tests/pyright --no-audit --no-fund --loglevel=error; then
  check "the client passes pyright's strict mode, the Django app its standard mode" pyright_in clients/python
  mkdir "$scratch/mistake"
  cat >"$scratch/mistake/mistake.py" <<'PYTHON'
from finance_ingest import Client

Client("http://127.0.0.1:7071").anomalies(user_id=None)
PYTHON
  echo "{ \"include\": [\".\"], \"extraPaths\": [\"$PWD/clients/python\"] }" >"$scratch/mistake/pyrightconfig.json"
  check "a program that asks for the anomalies of nobody does not" fails pyright_in "$scratch/mistake"
else
  skip "the types of the Python package: pyright can't be installed"
fi
