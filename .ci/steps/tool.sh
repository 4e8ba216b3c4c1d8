# packs finance-ingest as a .NET tool, installs it from the package alone and runs it
need_build || return

package=$scratch/package tool=$scratch/tool data=$scratch/tool-data

pack() {
  dotnet pack FinanceIngest.sln --configuration Debug --no-build --output "$package" --verbosity quiet &&
    [ "$(ls "$package" | sed 's/[0-9].*//')" = finance-ingest. ]
}

installed_tool_runs() {
  "$tool/finance-ingest" --version &&
    "$tool/finance-ingest" stats import samples/baselines.csv --data-directory "$data" &&
    "$tool/finance-ingest" stats export "$data/exported.json" --data-directory "$data" &&
    python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["399"]["2310"] != {"mean": 2000, "std": 500, "count": 40})' "$data/exported.json"
}

check "finance-ingest packs, and nothing else does" pack
check "it installs from its package alone" dotnet tool install finance-ingest --tool-path "$tool" --source "$package" --verbosity quiet
check "the installed tool imports baselines and exports them" installed_tool_runs
