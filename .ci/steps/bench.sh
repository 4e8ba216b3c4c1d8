# builds the benchmarks against today's library and checks their format; bench/run measures

# Their competitors' packages are not served by every registry.
if dotnet restore bench/FinanceIngest.Bench --verbosity quiet >"$results/bench.log" 2>&1; then
  check "the benchmarks build" dotnet build bench/FinanceIngest.Bench --no-restore --verbosity quiet
  check "the benchmarks are formatted" dotnet format FinanceIngest.sln --no-restore --include bench/ --verify-no-changes --verbosity quiet
else
  grep -m 3 -oE 'error NU[0-9]+: .*' "$results/bench.log" | cut -c 1-200
  skip "the benchmarks: their packages can't be restored from this machine's registry"
fi
