# builds the benchmarks against the current library; bench/run measures
check "the benchmarks build" dotnet build bench/FinanceIngest.Bench --verbosity quiet
