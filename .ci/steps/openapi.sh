# lints the API's own description, generates clients from it, and uses one of them
need_build || return

# None of the tools may report its use or look for updates; the installation runs no script of a package.
export REDOCLY_TELEMETRY=off SCARF_ANALYTICS=false KIOTA_CLI_TELEMETRY_OPTOUT=1 KIOTA_OFFLINE_ENABLED=true NO_UPDATE_NOTIFIER=1
tools=tests/openapi generated=tests/openapi/artifacts
key=key-of-the-generated-client
rm -rf "$generated"
mkdir -p "$generated"

env ASPNETCORE_URLS=http://127.0.0.1:0 FinanceIngest__DataDirectory="$scratch/openapi-data" FinanceIngest__ApiKeys__client__Secret=$key \
  dotnet src/IngestServer/bin/Debug/net10.0/IngestServer.dll 2>"$scratch/openapi-server.log" &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for _ in $(seq 300); do
  url=$(sed -n 's/.*Now listening on: //p' "$scratch/openapi-server.log")
  [ -z "$url" ] && kill -0 $server 2>/dev/null || break
  sleep 0.2
done

# What a running server says is checked, not the source.
served=$generated/openapi.json
describe() {
  node -e 'fetch(process.argv[1]).then(answer => answer.text()).then(text => process.stdout.write(text))' "$url/openapi.json" >"$served" && [ -s "$served" ]
}

spectral() {
  "$tools/node_modules/.bin/spectral" lint "$1" --ruleset "$tools/spectral.yaml" --fail-severity hint --quiet
}

# Redocly succeeds in spite of warnings, so its own totals are looked at.
redocly() {
  "$tools/node_modules/.bin/redocly" lint "$1" --format json >"$scratch/redocly.json" 2>"$scratch/redocly.log"
  python3 - "$scratch/redocly.json" <<'END' || { tail -n 20 "$scratch/redocly.log"; return 1; }
import json, sys

report = json.load(open(sys.argv[1]))
for problem in report["problems"]:
    print(problem["severity"], problem["ruleId"], problem["message"])
sys.exit(any(report["totals"].values()))
END
}

# A generator warns where it can't make a type, and succeeds all the same.
kiota() {
  artifacts/tools/kiota/kiota generate --openapi "$1" --language csharp --class-name IngestClient --namespace-name Generated --output "$generated/kiota" \
    --clean-output >"$scratch/kiota.log" 2>&1 && ! grep -A 1 -E '^(warn|fail|crit):' "$scratch/kiota.log" || { tail -n 5 "$scratch/kiota.log"; return 1; }
}

kiotas_errors_are_typed() {
  local problem
  for problem in "$generated"/kiota/Models/*Problem.cs; do
    grep -q ': ApiException' "$problem" && grep -q ' Type { get; set; }' "$problem" || { echo "$problem is no typed error"; return 1; }
  done
}

# change SED-SCRIPT FILE: writes a changed description, and fails if it is as before.
change() {
  sed "$1" "$served" >"$2" && ! cmp -s "$served" "$2"
}

check "a server describes itself" describe
if npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund --loglevel=error; then
  check "Spectral finds nothing in the description" spectral "$served"
  check "Redocly finds nothing in the description" redocly "$served"
  check "a description without a license is made" change '/"license"/d; s/\("contact": {.*}\),/\1/' "$generated/spoilt.json"
  check "Redocly finds that" fails redocly "$generated/spoilt.json"
  check "a description with an operation without an id is made" change '/"operationId": "getResults"/d' "$generated/spoilt.json"
  check "Spectral finds that" fails spectral "$generated/spoilt.json"
  check "openapi-typescript makes types from it" "$tools/node_modules/.bin/openapi-typescript" "$served" --output "$generated/api.d.ts"
  check "a client with these types compiles" "$tools/node_modules/.bin/tsc" --project "$tools"
  check "it submits, polls, reads the feed and tells errors apart" node "$generated/client.js" "$url" $key
else
  skip "Spectral: npm can't install tests/openapi"
  skip "Redocly: npm can't install tests/openapi"
  skip "openapi-typescript and its client: npm can't install tests/openapi"
fi

# The version stands here and not in .config/dotnet-tools.json, so that a machine that can't install Kiota restores the other tools.
if [ -x artifacts/tools/kiota/kiota ] || dotnet tool install Microsoft.OpenApi.Kiota --version 1.38.0 --tool-path artifacts/tools/kiota --verbosity quiet; then
  # A client that is generated from a file can't resolve a server's path, so the description is given the address that FinanceIngest__PublicUrl would give it.
  check "a description with a public address is made" change 's|"url": "/"|"url": "https://ingest.example/finance"|' "$generated/public.json"
  check "Kiota makes a client from it without a warning" kiota "$generated/public.json"
  check "Kiota's errors are typed" kiotas_errors_are_typed
else
  skip "Kiota: it can't be installed"
fi

kill $server
wait $server
check "the server ends as it should" test $? -eq 0
trap - EXIT
