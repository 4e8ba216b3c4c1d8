#!/usr/bin/env python3
"""Draws what infra/ deploys, from the compiled template: the resources, the identities, and who may do what. docs/azure.md has the result.

    bicep build infra/main.bicep --outfile artifacts/deployment/azure.json
    python3 tools/azure_picture.py artifacts/deployment/azure.json                        prints the picture and the table
    python3 tools/azure_picture.py artifacts/deployment/azure.json --write docs/azure.md  puts them into the page
    python3 tools/azure_picture.py artifacts/deployment/azure.json --check docs/azure.md  fails when the page has others

A kind of resource or a role that this program has no name for is an error, so that nothing is left out of the picture by oversight.
"""
import argparse
import json
import re
import sys
from pathlib import Path

import arm

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- begin: tools/azure_picture.py -->", "<!-- end: tools/azure_picture.py -->"

# Kinds that are nodes of the picture: what they are called, and the shape around the name.
NODES = {
    "Microsoft.Web/sites": ("Function App: intake", "[{}]"),
    "Microsoft.App/containerApps": ("Container App: worker", "[{}]"),
    "Microsoft.Logic/workflows": ("Logic App: mail of anomalies", "[{}]"),
    "Microsoft.Storage/storageAccounts": ("storage account", "[({})]"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": ("queue", "[({})]"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("blobs", "[({})]"),
    "Microsoft.Sql/servers/databases": ("Azure SQL database", "[({})]"),
    "Microsoft.KeyVault/vaults": ("key vault", "[({})]"),
    "Microsoft.KeyVault/vaults/secrets": ("secret", "[({})]"),
    "Microsoft.ContainerRegistry/registries": ("container registry", "[({})]"),
    "Microsoft.Insights/components": ("Application Insights", "[({})]"),
    "Microsoft.OperationalInsights/workspaces": ("Log Analytics workspace", "[({})]"),
    "Microsoft.Web/connections": ("connection", "[({})]"),
    "Microsoft.Insights/actionGroups": ("mail to the operators", "[{}]"),
}

# Kinds of which there are several, or which commands name: their own names are shown.
SEVERAL = {
    "Microsoft.Storage/storageAccounts", "Microsoft.Storage/storageAccounts/queueServices/queues", "Microsoft.Web/connections",
    "Microsoft.Storage/storageAccounts/blobServices/containers", "Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/secrets",
}

# Kinds that belong to a node, or are drawn as edges.
PARTS = {
    "Microsoft.Resources/resourceGroups", "Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.Authorization/roleAssignments",
    "Microsoft.Storage/storageAccounts/blobServices", "Microsoft.Storage/storageAccounts/queueServices", "Microsoft.Sql/servers",
    "Microsoft.Sql/servers/firewallRules", "Microsoft.Web/serverfarms", "Microsoft.Web/sites/config",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies", "Microsoft.App/managedEnvironments", "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts",
}

# What a role of infra/app/roles.json allows: a verb for the picture, a phrase for the table.
ROLES = {
    "acrPull": ("pull", "pull images from"),
    "keyVaultSecretsOfficer": ("read, write", "read and write the secrets of"),
    "keyVaultSecretsUser": ("read", "read the secrets of"),
    "monitoringMetricsPublisher": ("publish", "publish telemetry to"),
    "storageBlobDataOwner": ("own blobs", "own the blobs of"),
    "storageQueueDataContributor": ("receive, send, delete", "receive, renew, send and delete messages of"),
    "storageQueueDataMessageSender": ("send", "send to"),
    "storageQueueDataReader": ("peek", "look at the queues of"),
}

# The kinds that an identity or an operator runs, and the end of the identity's name.
RUNNERS = {"intake": "Microsoft.Web/sites", "worker": "Microsoft.App/containerApps", "mailer": "Microsoft.Logic/workflows"}


class Picture:
    def __init__(self, template: Path):
        self.resources, _ = arm.deploy(template, operators="operators@example.com", mailRecipients="mail@example.com", mailAuthorised=True)
        self.names = json.loads((ROOT / "infra/names.json").read_text(encoding="utf-8"))
        self.roles = {id_: name for name, id_ in json.loads((ROOT / "infra/app/roles.json").read_text(encoding="utf-8")).items()}
        unknown = {resource["type"] for resource in self.resources} - set(NODES) - PARTS
        if unknown:
            sys.exit(f"tools/azure_picture.py has no name for: {', '.join(sorted(unknown))}")
        self.nodes = {resource["id"]: resource for resource in self.resources if resource["type"] in NODES}

    def label(self, id_: str) -> str:
        """The name of a resource as people read it: its kind and what is its own in its name."""
        resource = self.nodes[id_]
        kind, own = NODES[resource["type"]][0], resource["name"].split("/")[-1]
        own = own.replace("-abcdefghijklm", "-…").replace("abcdefghijklm", "…")
        return f"{kind} {own}" if resource["type"] in SEVERAL else kind

    def key(self, id_: str) -> str:
        return re.sub(r"\W", "", self.nodes[id_]["type"].split("/", 1)[1].replace("storageAccounts/queueServices/", "").replace(
            "storageAccounts/blobServices/", "") + "_" + self.nodes[id_]["name"].split("/")[-1].replace("abcdefghijklm", ""))

    def rights(self) -> list[tuple[str, str, str]]:
        """Principal (intake, worker, mailer, administrator), role, and the id of what it is for, in the order of the template."""
        found = []
        for resource in self.resources:
            if resource["type"] != "Microsoft.Authorization/roleAssignments":
                continue
            properties = resource["properties"]
            match = re.search(r"/id-(\w+)-abcdefghijklm\|", properties["principalId"])
            principal = match.group(1) if match else "administrator"
            found.append((principal, self.roles[properties["roleDefinitionId"].split("/")[-1]], resource["scope"]))
        return found

    def database_roles(self) -> list[tuple[str, str]]:
        return [("worker" if name == "retention" else name, role) for name, role in self.names["databaseRoles"].items()
                if name != "operator"]  # The portal's, which a variable of its own deploys.

    def mermaid(self) -> str:
        lines = ["```mermaid", "flowchart LR", "  client([client]) -- function key --> intake"]
        by_type = {resource["type"]: resource for resource in self.nodes.values()}
        lines.append("  subgraph programs [programs and their identities]")
        for principal, kind in RUNNERS.items():
            lines.append(f"    {principal}[\"{NODES[kind][0]}<br>id-{principal}-…\"]")
        lines.append("    administrator[\"administrator<br>a user or a group\"]")
        lines.append("  end")
        drawn = {resource["id"] for kind, resource in by_type.items() if kind in RUNNERS.values()}
        groups: dict[str, list[str]] = {}
        for id_, resource in self.nodes.items():
            if id_ not in drawn:
                groups.setdefault(resource["type"].split("/")[0].removeprefix("Microsoft."), []).append(id_)
        for group, ids in groups.items():
            lines.append(f"  subgraph {group}")
            lines += [f"    {self.key(id_)}" + NODES[self.nodes[id_]["type"]][1].format(f'"{self.label(id_)}"') for id_ in ids]
            lines.append("  end")
        joined: dict[tuple[str, str], list[str]] = {}
        for principal, role, scope in self.rights():
            joined.setdefault((principal, scope), []).append(ROLES[role][0])
        lines += [f"  {principal} -- \"{', '.join(verbs)}\" --> {self.key(scope)}" for (principal, scope), verbs in joined.items()]
        lines += [f"  mailer --> {self.key(id_)}" for id_, resource in self.nodes.items() if resource["type"] == "Microsoft.Web/connections"]
        database = self.key(by_type["Microsoft.Sql/servers/databases"]["id"])
        for principal in dict.fromkeys(principal for principal, _ in self.database_roles()):
            roles = [role.removeprefix("finance_ingest_") for name, role in self.database_roles() if name == principal]
            lines.append(f"  {principal} -- \"{', '.join(roles)}\" --> {database}")
        lines.append(f"  administrator -- \"administers\" --> {database}")
        lines.append(f"  {self.key(by_type['Microsoft.Insights/components']['id'])} --> {self.key(by_type['Microsoft.OperationalInsights/workspaces']['id'])}")
        rules = sum(resource["type"] in ("Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts") for resource in self.resources)
        lines.append(f"  {self.key(by_type['Microsoft.OperationalInsights/workspaces']['id'])} -- \"{rules} alert rules\" --> "
                     f"{self.key(by_type['Microsoft.Insights/actionGroups']['id'])}")
        return "\n".join(lines + ["```"])

    def table(self) -> str:
        lines = ["| identity | may |", "|---|---|"]
        for principal in (*RUNNERS, "administrator"):
            phrases: dict[str, list[str]] = {}
            for name, role, scope in self.rights():
                if name == principal:
                    phrases.setdefault(ROLES[role][1], []).append(self.label(scope).removeprefix("queue ").replace("key vault ", "the vault "))
            parts = [f"{phrase} {' and '.join(f'`{name}`' if ' ' not in name else name for name in names)}" for phrase, names in phrases.items()]
            parts += [f"database role `{role}`" + (" (only where `RETENTION_DAYS` is set)" if role.endswith("retention") else "")
                      for name, role in self.database_roles() if name == principal]
            if principal == "administrator":
                parts.append("administer the database")
            lines.append(f"| {'administrator' if principal == 'administrator' else f'`id-{principal}-…`'} | {'; '.join(parts)} |")
        return "\n".join(lines)

    def text(self) -> str:
        return f"{BEGIN}\n{self.mermaid()}\n\n{self.table()}\n{END}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("template", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    parser.add_argument("--check", type=Path, metavar="PAGE")
    arguments = parser.parse_args()
    text = Picture(arguments.template).text()
    if arguments.write is not None:
        page = arguments.write.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        arguments.write.write_text(before + text + rest.split(END)[1], encoding="utf-8")
    elif arguments.check is not None:
        if text not in arguments.check.read_text(encoding="utf-8"):
            sys.exit(f"{arguments.check} has another picture than the template: run tools/azure_picture.py with --write.")
    else:
        print(text)


if __name__ == "__main__":
    main()
