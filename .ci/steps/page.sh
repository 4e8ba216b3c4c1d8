# tries the page in Debian's chromium: its stories, with keys and without, by axe's rules, on narrow and wide screens
need_build || return
need_debian chromium -- command -v chromium

# A machine without chromium skips every test by its name.
check "the page's tests build" dotnet build tests/Page --verbosity quiet
timeout -k 10 1200 dotnet tests/Page/bin/Debug/net10.0/FinanceIngest.Page.dll -noLogo -noColor -trx "$results/page/page.trx" >"$results/page.log" 2>&1
exit_code=$?
grep -E '\[(FAIL|SKIP)\]' -A 3 "$results/page.log"
python3 .ci/test_results.py "$results/page" | tee "$results/page.summary"
record_summary "the page's tests" "$results/page.summary"
read -r passed _ failed _ < <(tail -n 1 "$results/page.summary")
if [ "$exit_code" -ne 0 ] && [ "$failed" -eq 0 ]; then
  fail "the page's tests ended with $exit_code, $passed tests passed"
fi

# The charting library is vendored: its files are those of the npm package of the version that package.json names, and nothing else.
vendored=src/IngestServer/Page/assets/uplot
version=$(sed -n 's/.*"uplot": "\(.*\)"/\1/p' src/IngestServer/Page/package.json)
if (cd "$results" && npm pack --silent "uplot@$version" >/dev/null 2>&1 && tar -xzf "uplot-$version.tgz"); then
  check "uPlot's files are those of the package" cmp "$results/package/dist/uPlot.esm.js" "$vendored/uPlot.esm.js"
  check "its styles too" cmp "$results/package/dist/uPlot.min.css" "$vendored/uPlot.min.css"
  check "its licence is beside it" cmp "$results/package/LICENSE" "$vendored/LICENSE"
else
  skip "uPlot's files: npm can't fetch the package"
fi
