#!/usr/bin/env python3
"""Fills infra/main.parameters.json as azd does, from variables that are given as JSON, and prints a file that the Azure CLI takes.

    VARIABLES='{"AZURE_ENV_NAME": "prod", "AZURE_LOCATION": "westeurope"}' python3 tools/azd_parameters.py >parameters.json

Like azd (cli/azd/pkg/infra/provisioning/bicep/bicep_provider.go), a parameter whose variable is not set is left out, so that the template's default applies; a
parameter that the template declares as an object may be given as JSON.
"""
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")


def read(root: Path = ROOT) -> dict:
    """Returns the values of the parameters file, with their placeholders."""
    text = (root / "infra/main.parameters.json").read_text(encoding="utf-8")
    return {name: item["value"] for name, item in json.loads(text)["parameters"].items()}


def types(root: Path = ROOT) -> dict[str, str]:
    """Returns the type of each parameter of main.bicep. A type that is written out in braces is an object."""
    text = (root / "infra/main.bicep").read_text(encoding="utf-8")
    return {name: "object" if kind == "{" else kind for name, kind in re.findall(r"^param (\w+) (\w+|\{)", text, re.MULTILINE)}


def fill(variables: dict[str, str], root: Path = ROOT) -> dict:
    """Returns the parameters that azd would pass to the template."""
    kinds, filled = types(root), {}

    def replace(text: str) -> str:
        return VARIABLE.sub(lambda match: variables.get(match.group(1)) or match.group(2) or "", text)

    for name, value in read(root).items():
        if isinstance(value, dict):
            filled[name] = {key: replace(item) for key, item in value.items()}
            continue
        text = replace(value)
        if text == "" and any(match.group(1) not in variables for match in VARIABLE.finditer(value)):
            continue
        if kinds[name] == "object":
            filled[name] = json.loads(text)
        elif kinds[name] == "bool":
            filled[name] = {"true": True, "false": False}[text.lower()]
        elif kinds[name] == "int":
            filled[name] = int(text)
        else:
            filled[name] = text
    return filled


def main() -> None:
    filled = fill(json.loads(os.environ["VARIABLES"]))
    missing = [name for name in ("environmentName", "location") if name not in filled]
    if missing:
        sys.exit(f"These parameters have no variable: {', '.join(missing)}.")
    print(json.dumps({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {name: {"value": value} for name, value in filled.items()},
    }, indent=2))


if __name__ == "__main__":
    main()
