# checks the deployment files, without Azure, a cluster or a container engine

# The compiled template and the rendered manifests stay in artifacts/deployment.
rendered=artifacts/deployment
rm -rf "$rendered"
mkdir -p "$rendered"

render() {
  kubectl kustomize "k8s/overlays/$1" >"$rendered/kubernetes-$1.yaml"
}

check "the Bicep compiler is restored" dotnet restore .ci/bicep --packages artifacts/tools --verbosity quiet
bicep=$(ls artifacts/tools/azure.bicep.commandline.linux-x64/*/tools/bicep)
chmod +x "$bicep"
check "the Bicep compiles without a warning" quietly "$bicep" build infra/main.bicep --outfile "$rendered/azure.json"
check "the Bicep lints without a warning" quietly "$bicep" lint infra/main.bicep

check "the compiled template deploys what docs/azure.md says" python3 tests/deployment/test_template.py "$rendered/azure.json"
check "docs/azure.md has the picture that tools/azure_picture.py draws" python3 tools/azure_picture.py "$rendered/azure.json" --check docs/azure.md
sed 's/Recreate/RollingUpdate/g' "$rendered/azure.json" >"$rendered/changed.json"
check "a template that deploys something else is noticed" fails python3 tests/deployment/test_template.py "$rendered/changed.json"
rm "$rendered/changed.json"

check "azd's hook builds" dotnet build infra/hooks/prepare-database.cs --verbosity quiet
check "docs/azure.md has the costs that tools/azure_cost.py computes" python3 tools/azure_cost.py --check docs/azure.md

# promtool is part of Debian's and Ubuntu's package of Prometheus, which this step unpacks into artifacts/tools without installing it.
promtool=$(command -v promtool || echo artifacts/tools/prometheus/usr/bin/promtool)
if [ ! -x "$promtool" ] && command -v apt-get >/dev/null; then
  mkdir -p artifacts/tools/prometheus
  (cd artifacts/tools/prometheus && apt-get download prometheus && dpkg-deb -x prometheus_*.deb .) >/dev/null 2>&1
fi
if [ -x "$promtool" ]; then
  check "the alert rules are valid" "$promtool" check rules ops/alerts/prometheus.yaml
  check "the alert rules fire when they should, and else are silent" "$promtool" test rules ops/alerts/prometheus.test.yaml
else
  skip "the alert rules: no promtool, and no package of Prometheus to take it from"
fi

check "the validators are installed" npm ci --prefix tests/deployment --no-audit --no-fund --loglevel=error
validate="node tests/deployment/validate.mjs"
check "the GitHub workflows are valid and their actions pinned" $validate workflows .github/workflows/*.yml
check "compose.yaml is valid" $validate compose compose.yaml
sed 's/replicas: 2/replica: 2/' compose.yaml >"$rendered/misspelt.yaml"
check "a misspelt compose file is not" fails $validate compose "$rendered/misspelt.yaml"
if command -v kubectl >/dev/null; then
  for overlay in local azure; do
    check "the Kubernetes overlay '$overlay' renders" render "$overlay"
    check "its manifests are valid" $validate kubernetes "$rendered/kubernetes-$overlay.yaml"
  done
  mkdir -p "$rendered/components"
  printf '%s\n' 'resources: [../../../k8s/overlays/azure]' 'components: [../../../k8s/components/notifier, ../../../k8s/components/portal]' \
    >"$rendered/components/kustomization.yaml"
  render_components() {
    kubectl kustomize "$rendered/components" >"$rendered/kubernetes-components.yaml"
  }
  check "the components 'notifier' and 'portal' render" render_components
  check "their manifests are valid" $validate kubernetes "$rendered/kubernetes-components.yaml"
  sed 's/cooldownPeriod/coolDownPeriod/' "$rendered/kubernetes-azure.yaml" >"$rendered/misspelt.yaml"
  check "a misspelt manifest is not" fails $validate kubernetes "$rendered/misspelt.yaml"
else
  skip "Kubernetes: no kubectl"
fi
rm "$rendered/misspelt.yaml"

if docker compose version >/dev/null 2>&1; then
  check "Docker takes compose.yaml" docker compose config --quiet
else
  skip "docker compose config: no Docker Compose"
fi
