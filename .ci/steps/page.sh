# tries the page in Debian's chromium: its stories, with keys and without, by axe's rules, on narrow and wide screens
need_build || return
need_debian chromium -- command -v chromium

# A machine without chromium skips every test by its name.
check "the page's tests build" dotnet build tests/Page --verbosity quiet
timeout -k 10 1200 dotnet tests/Page/bin/Debug/net10.0/FinanceIngest.Page.dll -noLogo -noColor -trx "$scratch/page/page.trx" >"$scratch/page.log" 2>&1
exit_code=$?
grep -E '\[(FAIL|SKIP)\]' -A 3 "$scratch/page.log"
python3 .ci/test_results.py "$scratch/page" | tee "$scratch/page.summary"
record_summary "the page's tests" "$scratch/page.summary"
read -r passed _ failed _ < <(tail -n 1 "$scratch/page.summary")
if [ "$exit_code" -ne 0 ] && [ "$failed" -eq 0 ]; then
  fail "the page's tests ended with $exit_code, $passed tests passed"
fi

# The charting library is vendored: its files are those of the npm package of the version that package.json names, and nothing else.
vendored=src/IngestServer/Page/assets/uplot
version=$(sed -n 's/.*"uplot": "\(.*\)"/\1/p' src/IngestServer/Page/package.json)
if (cd "$scratch" && npm pack --silent "uplot@$version" >/dev/null 2>&1 && tar -xzf "uplot-$version.tgz"); then
  check "uPlot's files are those of the package" cmp "$scratch/package/dist/uPlot.esm.js" "$vendored/uPlot.esm.js"
  check "its styles too" cmp "$scratch/package/dist/uPlot.min.css" "$vendored/uPlot.min.css"
  check "its licence is beside it" cmp "$scratch/package/LICENSE" "$vendored/LICENSE"
else
  skip "uPlot's files: npm can't fetch the package"
fi
