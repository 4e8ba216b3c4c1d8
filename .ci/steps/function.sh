# publishes the function app as azd does, and starts the package under the function driver
need_build || return

# The published package stays in artifacts/function.
package=artifacts/function
rm -rf "$package"
check "the function app publishes" dotnet publish src/IngestFunction --configuration Release --output "$package" --verbosity quiet

# has FILE…: succeeds when the package contains every file.
has() {
  local file
  for file in "$@"; do
    [ -f "$package/$file" ] || { echo "$package/$file is missing"; return 1; }
  done
}

check "the package has what a Functions host reads" has host.json worker.config.json functions.metadata extensions.json
check "the package is for linux-x64" has libe_sqlite3.so
check "the package is for no other platform" test ! -e "$package/runtimes"
if need_azurite; then
  driver=tests/FunctionDriver/bin/Debug/net10.0/FinanceIngest.FunctionDriver.dll
  check "the package starts and takes a transaction" python3 tools/measure_function.py --runs 1 --driver "$driver" "$package"
else
  skip "the start of the package: Azurite can't be installed"
fi
