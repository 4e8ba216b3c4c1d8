"""check_sbom.py BOM.json project.assets.json: checks that a CycloneDX document lists the packages that were restored for a project,
each with its version and licence, and no others."""

import json
import sys

# The nuspecs of these packages name a licence file or no licence.
WITHOUT_LICENCE_IN_METADATA = {"microsoft.data.sqlclient.sni.runtime"}


def main(bom_path, assets_path):
    with open(bom_path, encoding="utf-8-sig") as file:
        bom = json.load(file)
    with open(assets_path, encoding="utf-8-sig") as file:
        assets = json.load(file)

    problems = []
    if bom.get("bomFormat") != "CycloneDX":
        problems.append("it is no CycloneDX document")

    restored = {tuple(name.lower().split("/")) for name, library in assets["libraries"].items() if library["type"] == "package"}
    # NuGet restores a package that has no file for this target, but the program does not contain it.
    used = {
        tuple(name.lower().split("/"))
        for target in assets["targets"].values()
        for name, library in target.items()
        if library["type"] == "package" and any(not path.endswith("/_._") for kind in ("runtime", "native", "runtimeTargets") for path in library.get(kind, {}))
    }
    listed = {(component["name"].lower(), component["version"].lower()) for component in bom["components"]}
    problems += [f"{name} {version} is missing" for name, version in sorted(used - listed)]
    problems += [f"{name} {version} is no part of it" for name, version in sorted(listed - restored)]
    problems += [
        f"{component['name']} has no licence"
        for component in bom["components"]
        if not component.get("licenses") and component["name"].lower() not in WITHOUT_LICENCE_IN_METADATA
    ]
    problems += [f"{component['name']} has no package URL" for component in bom["components"] if not component.get("purl", "").startswith("pkg:nuget/")]
    for problem in problems:
        print(f"{bom_path}: {problem}")
    if not problems:
        print(f"{bom_path}: {len(listed)} packages")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
