# tests the Python package against a real server, with Django and a browser where these can be had
if ! { /usr/bin/python3 -c 'import django' && command -v chromium; } >/dev/null 2>&1; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-django chromium; } >"$results/apt.log" 2>&1 ||
      { tail -n 3 "$results/apt.log"; echo "apt-get failed: what wants python3-django or chromium will be skipped"; }
  else
    echo "not root, or no apt-get: what wants python3-django or chromium will be skipped"
  fi
fi

clients/python/run-tests | tee "$results/python.log"
record_summary clients/python/run-tests "$results/python.log"
