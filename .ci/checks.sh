# What the steps of .ci/run are written in. $step is the name of the running step, $results a folder that lasts as long as the run.

# record OUTCOME [N]: counts N checks (default 1) as passed, failed or skipped.
record() {
  echo "$1 ${2:-1}" >>"$results/$step.counts"
}

# check NAME COMMAND…: a check that passes when the command succeeds.
check() {
  local name=$1 started=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    record passed
    [ $((SECONDS - started)) -lt 5 ] || echo "   $((SECONDS - started)) s"
  else
    fail "$name"
  fi
}

fail() {
  record failed
  echo "FAILED: $1"
}

# skip "WHAT: WHY": names what can't be checked on this machine.
skip() {
  record skipped
  echo "SKIPPED: $1"
}

# record_summary COMMAND FILE: counts what COMMAND said in FILE's last line, "N passed, N failed, N skipped".
record_summary() {
  if [[ "$(tail -n 1 "$2")" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    record passed "${BASH_REMATCH[1]}"
    record failed "${BASH_REMATCH[2]}"
    record skipped "${BASH_REMATCH[3]}"
  else
    fail "$1 did not say how many passed"
  fi
}

# quietly COMMAND…: fails also where the command only warns.
quietly() {
  local output
  output=$("$@" 2>&1) && [ -z "$output" ] && return
  echo "$output"
  return 1
}

# fails COMMAND…: turns the result around, for checks of checks.
fails() {
  ! "$@" >/dev/null 2>&1
}

# need_build: the whole solution, built once in a run for all steps that run its programs. A step ends here when it does not build: "need_build || return".
need_build() {
  if [ ! -e "$results/build.exit" ]; then
    echo "== building the solution"
    dotnet build FinanceIngest.sln --verbosity quiet
    echo $? >"$results/build.exit"
  fi
  [ "$(cat "$results/build.exit")" -eq 0 ] && return
  fail "$step: the solution does not build"
  return 1
}

# need_azurite: the emulator of Azure Storage, installed once in a run from its lock file. Whoever uses it skips by name where it can't be installed.
need_azurite() {
  if [ ! -e "$results/azurite.exit" ]; then
    echo "== installing Azurite"
    npm ci --prefix tests/azurite --no-audit --no-fund --loglevel=error
    echo $? >"$results/azurite.exit"
  fi
  [ "$(cat "$results/azurite.exit")" -eq 0 ]
}

# need_debian PACKAGE… -- COMMAND…: installs packages of Debian or Ubuntu if the command fails without them, as far as this user can. Whoever uses
# them skips by name where they are missing.
need_debian() {
  local packages=()
  while [ "$1" != -- ]; do
    packages+=("$1")
    shift
  done
  shift
  "$@" >/dev/null 2>&1 && return
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not root, or no apt-get: what wants ${packages[*]} will be skipped"
  elif ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}"; } >"$results/apt.log" 2>&1; then
    tail -n 3 "$results/apt.log"
    echo "apt-get failed: what wants ${packages[*]} will be skipped"
  fi
}
