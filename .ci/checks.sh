# The functions in which the steps of .ci/run are written. $step is the name of the running step; $results is a folder that exists as long as the run.

# record OUTCOME [N]: adds N (default 1) to the number of checks that passed, failed or were skipped. OUTCOME is passed, failed or skipped.
record() {
  echo "$1 ${2:-1}" >>"$results/$step.counts"
}

# check NAME COMMAND…: runs the command. The check passes when the command succeeds, and fails otherwise.
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

# skip "WHAT: WHY": counts a check that this machine can't run as skipped, and prints what is skipped and why.
skip() {
  record skipped
  echo "SKIPPED: $1"
}

# record_summary COMMAND FILE: counts the results of COMMAND from the last line of FILE, which reads "N passed, N failed, N skipped".
record_summary() {
  if [[ "$(tail -n 1 "$2")" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    record passed "${BASH_REMATCH[1]}"
    record failed "${BASH_REMATCH[2]}"
    record skipped "${BASH_REMATCH[3]}"
  else
    fail "$1 did not say how many passed"
  fi
}

# quietly COMMAND…: runs the command, and fails if the command fails or prints anything, such as a warning.
quietly() {
  local output
  output=$("$@" 2>&1) && [ -z "$output" ] && return
  echo "$output"
  return 1
}

# fails COMMAND…: succeeds when the command fails. Steps use it to prove that a check can fail.
fails() {
  ! "$@" >/dev/null 2>&1
}

# need_build: builds the whole solution, once per run, for all steps that run its programs. If the build fails, the step must end: "need_build || return".
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

# need_azurite: installs Azurite, the emulator of Azure Storage, from its lock file, once per run. A step that needs Azurite skips its checks by name when the
# installation fails.
need_azurite() {
  if [ ! -e "$results/azurite.exit" ]; then
    echo "== installing Azurite"
    npm ci --prefix tests/azurite --no-audit --no-fund --loglevel=error
    echo $? >"$results/azurite.exit"
  fi
  [ "$(cat "$results/azurite.exit")" -eq 0 ]
}

# need_debian PACKAGE… -- COMMAND…: if the command fails, installs the Debian or Ubuntu packages that it needs, provided that the user is root and apt-get
# exists. A step skips by name the checks whose packages are still missing.
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
