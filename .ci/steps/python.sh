# tests the Python package against a real server, with Django and a browser where they can be installed
need_debian python3-django chromium -- eval "/usr/bin/python3 -c 'import django' && command -v chromium"

# If an earlier step of this run has built the server, the tests use that build. Otherwise run-tests builds the server and nothing else.
if [ -e "$results/build.exit" ]; then
  export FINANCE_INGEST_SERVER=$PWD/src/IngestServer/bin/Debug/net10.0/IngestServer.dll
fi
clients/python/run-tests | tee "$results/python.log"
record_summary clients/python/run-tests "$results/python.log"
