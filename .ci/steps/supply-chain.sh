# lists the packages of each program, and checks them for known vulnerabilities

# The bills of materials stay in artifacts/sbom.
boms=artifacts/sbom
rm -rf "$boms"
mkdir -p "$boms"

bom() {
  dotnet CycloneDX "src/$1/$1.csproj" --output "$boms" --filename "$1.json" --output-format Json --set-name "$2" --disable-package-restore >/dev/null &&
    python3 .ci/check_sbom.py "$boms/$1.json" "src/$1/obj/project.assets.json"
}

check "the tools are restored" dotnet tool restore --verbosity quiet
for program in "IngestServer finance-ingest-server" "IngestFunction finance-ingest-function" "ScoringWorker finance-ingest-worker" "Cli finance-ingest"; do
  read -r project name <<<"$program"
  dotnet restore "src/$project" --verbosity quiet
  check "the bill of materials of $project lists what it is made of" bom "$project" "$name"
done

# NuGet is silent when a package source has no advisories. When the source is named as an audit source, NuGet warns instead (NU1905, NU1900).
audit_nuget() {
  local source
  source=$(dotnet nuget list source --format short | sed -n 's/^E //p' | head -n 1)
  python3 .ci/audit_config.py "$source" >"$scratch/audit.config"
  dotnet restore "src/$1" --configfile "$scratch/audit.config" --force \
    -p:NuGetAudit=true -p:NuGetAuditMode=all -p:NuGetAuditLevel=high >"$scratch/audit.log" 2>&1
}

for project in IngestServer IngestFunction ScoringWorker Cli; do
  audit_nuget "$project"
  audited=$?
  if grep -qE 'NU1900|NU1905' "$scratch/audit.log"; then
    skip "the audit of NuGet packages: this machine's registry has no advisories"
    break
  fi
  check "no package of $project has a known vulnerability that is high or critical" test "$audited" -eq 0
  [ "$audited" -eq 0 ] || grep -m 5 -oE '(error|warning) NU[0-9]+: .*' "$scratch/audit.log" | cut -c 1-200
done

for folder in tests/azurite tests/deployment tests/openapi tests/pyright; do
  npm audit --prefix "$folder" --package-lock-only --audit-level=high >"$scratch/npm-audit.log" 2>&1
  audited=$?
  if grep -q 'audit endpoint returned an error' "$scratch/npm-audit.log"; then
    skip "the audit of npm packages: this machine's registry has no advisories"
    break
  fi
  check "no npm package of $folder has a known vulnerability that is high or critical" test "$audited" -eq 0
  [ "$audited" -eq 0 ] || tail -n 20 "$scratch/npm-audit.log"
done
