# starts the published programs as Kubernetes would start their pods, without a cluster or a container engine
need_debian bubblewrap iproute2 -- eval "command -v bwrap && command -v ip"

# The published programs stay in artifacts/published.
published=artifacts/published
rm -rf "$published"
publish() {
  dotnet publish "src/$1" --configuration Release --use-current-runtime --self-contained false -p:PublishReadyToRun=true \
    --output "$published/$1" --verbosity quiet
}

# as_root COMMAND…: runs the command as root, by sudo where that asks for no password.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo -n env "PATH=$PATH" "$@"
  fi
}

validators=tests/deployment/node_modules/yaml
if ! command -v bwrap >/dev/null || ! command -v ip >/dev/null; then
  skip "the programs as pods: no bubblewrap, or no ip"
elif ! as_root unshare --net true 2>/dev/null; then
  skip "the programs as pods: not root, or no right to a network namespace"
elif ! command -v kubectl >/dev/null; then
  skip "the programs as pods: no kubectl to render the manifests"
elif ! need_azurite; then
  skip "the programs as pods: Azurite can't be installed"
elif [ ! -d "$validators" ] && ! npm ci --prefix tests/deployment --no-audit --no-fund --loglevel=error; then
  skip "the programs as pods: the reader of manifests can't be installed"
else
  for program in IngestServer ScoringWorker Cli; do
    check "$program publishes as in the Dockerfile" publish "$program"
  done
  as_root unshare --net python3 tests/deployment/pods.py --published "$published" | tee "$scratch/pods.log"
  record_summary tests/deployment/pods.py "$scratch/pods.log"
fi
