# builds the benchmarks against today's library; bench/run measures
check "the benchmarks build" dotnet build bench/FinanceIngest.Bench --verbosity quiet
