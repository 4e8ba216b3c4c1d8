# builds the Python package's sdist and wheel without a download, installs the wheel and uses it
python=${PYTHON:-/usr/bin/python3}
can_build() {
  "$python" -c 'import importlib.util, sys; sys.exit(None in map(importlib.util.find_spec, ["ensurepip", "pip", "setuptools", "venv", "wheel"]))'
}

need_debian python3-pip python3-setuptools python3-venv python3-wheel -- can_build
if ! can_build; then
  skip "sdist and wheel: $python has not all of pip, setuptools, venv and wheel"
  return
fi

# This step builds a copy of the sources, because build/ and *.egg-info of an earlier build in the work tree would end up in the wheel.
source=$scratch/python/source built=$scratch/python/built from_sdist=$scratch/python/from-sdist
environment=$scratch/python/environment
mkdir -p "$source" "$built"
(cd clients/python && git ls-files --cached --others --exclude-standard -z | tar --create --null --files-from - --file -) |
  tar --extract --file - --directory "$source"

sdist() {
  local log=$scratch/python/sdist.log
  (cd "$source" && "$python" -c 'import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])' "$built") >"$log" 2>&1 && return
  tail -n 20 "$log"
  return 1
}

wheel() {
  "$python" -m pip --quiet wheel --no-index --no-build-isolation --no-deps --wheel-dir "$1" "$2"
}

install_wheel() {
  "$python" -m venv --system-site-packages "$environment" && "$environment/bin/python" -m pip --quiet install --no-index --no-deps "$built"/*.whl
}

# The check runs in a folder without the package's source, so that Python imports the installed wheel.
use_wheel() {
  (cd "$scratch/python" && "$environment/bin/finance-ingest-client" --help >/dev/null && "$environment/bin/python" "$OLDPWD/.ci/use_wheel.py" "$environment")
}

check "the sdist is built" sdist
check "the wheel is built" wheel "$built" "$source"
check "the sdist builds the same wheel" wheel "$from_sdist" "$built"/*.tar.gz
check "the wheel has every file of the package, from the sdist as well" "$python" .ci/check_wheel.py "$source" "$built"/*.whl "$from_sdist"/*.whl
check "the wheel installs without a download" install_wheel
check "what is installed is imported and works" use_wheel
