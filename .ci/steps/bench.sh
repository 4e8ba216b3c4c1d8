# builds the benchmarks against the current library, and runs one of them small; bench/run measures
check "the benchmarks build" dotnet build bench/FinanceIngest.Bench --verbosity quiet
check "the measurement of detection builds" dotnet build bench/DetectionBench --verbosity quiet

# Rows, reads and a purge are checked by the benchmark itself; on so few rows its figures mean nothing.
grown() {
  dotnet bench/FinanceIngest.Bench/bin/Debug/net10.0/FinanceIngest.Bench.dll scale --rows 30000 --keys v7 --size 1000 --runs 1 --print --data "$scratch" \
    >"$scratch/scale.md" 2>"$scratch/scale.log" || { tail -n 20 "$scratch/scale.log"; return 1; }
}
check "a small database grows, is drained into, read and purged, and nothing is lost" grown
check "what is missed or can't be measured is said in a row of the results" grep -q "^| cost per transaction at 30,000 rows" "$scratch/scale.md"
