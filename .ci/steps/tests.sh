# runs all .NET tests, including those on Azurite and SQL Server where these can be started
need_build || return
need_azurite || echo "npm ci failed: the tests on Azurite will be skipped unless Docker runs"

dotnet test FinanceIngest.sln --no-build --logger "trx;LogFilePrefix=tests" --results-directory "$scratch/tests"
exit_code=$?
python3 .ci/test_results.py "$scratch/tests" | tee "$scratch/tests.log"
record_summary "dotnet test" "$scratch/tests.log"
read -r passed _ failed _ < <(tail -n 1 "$scratch/tests.log")
if [ "$passed" -eq 0 ] || { [ "$exit_code" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
  fail "dotnet test ended with $exit_code, $passed tests passed"
fi
