# tests the Python package against a real server, with Django and a browser where these can be had
need_debian python3-django chromium -- eval "/usr/bin/python3 -c 'import django' && command -v chromium"

clients/python/run-tests | tee "$results/python.log"
record_summary clients/python/run-tests "$results/python.log"
