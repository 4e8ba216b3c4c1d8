# runs all .NET tests, including those on Azurite and SQL Server where these can be started
need_build || return
need_azurite || echo "npm ci failed: the tests on Azurite will be skipped unless Docker runs"

dotnet test FinanceIngest.sln --no-build --logger "trx;LogFilePrefix=tests" --results-directory "$results/tests"
exit_code=$?
python3 .ci/test_results.py "$results/tests" | tee "$results/tests.log"
record_summary "dotnet test" "$results/tests.log"
read -r passed _ failed _ < <(tail -n 1 "$results/tests.log")
if [ "$passed" -eq 0 ] || { [ "$exit_code" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
  fail "dotnet test ended with $exit_code, $passed tests passed"
fi
