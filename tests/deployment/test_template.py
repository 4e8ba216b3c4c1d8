"""Evaluates the compiled template as azd would deploy it, and checks what comes out.

    bicep build infra/main.bicep --outfile artifacts/deployment/azure.json
    python3 tests/deployment/test_template.py artifacts/deployment/azure.json

Parameters go the way of a deployment: variables of azd, through infra/main.parameters.json, into the template. docs/azure.md has the reasons for what is
checked.
"""
import json
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import arm  # noqa: E402
import azd_parameters  # noqa: E402

TEMPLATE = ROOT / "artifacts/deployment/azure.json"
ROLES = {id_: name for name, id_ in json.loads((ROOT / "infra/app/roles.json").read_text()).items()}
BASE = {"AZURE_ENV_NAME": "test", "AZURE_LOCATION": "westeurope"}


class Deployment:
    """What one "azd provision" makes with these variables in azd's environment."""

    def __init__(self, **variables: str):
        self.variables = BASE | variables
        self.resources, outputs = arm.deploy(TEMPLATE, **azd_parameters.fill(self.variables))
        self.outputs = {name: output["value"] for name, output in outputs.items()}

    def all(self, kind: str) -> list[dict]:
        return [resource for resource in self.resources if resource["type"] == kind]

    def one(self, kind: str) -> dict:
        found = self.all(kind)
        assert len(found) == 1, f"{len(found)} of {kind}"
        return found[0]

    def next(self, **variables: str) -> "Deployment":
        """The next deployment from the same environment, in which azd keeps the outputs of this one."""
        return Deployment(**(self.variables | self.refreshed | variables))

    @property
    def refreshed(self) -> dict[str, str]:
        """What "azd env refresh" writes into an environment: every output as text, objects as JSON (UpdateEnvironment in azd's manager.go)."""
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in self.outputs.items()}

    @property
    def intake(self) -> dict[str, str]:
        return self.one("Microsoft.Web/sites/config")["properties"]

    @property
    def worker(self) -> dict:
        return self.one("Microsoft.App/containerApps")["properties"]

    @property
    def worker_variables(self) -> dict[str, dict]:
        return {variable["name"]: variable for variable in self.worker["template"]["containers"][0]["env"]}

    def rights(self, principal: str) -> set[tuple[str, str]]:
        """Role and scope of each assignment to an identity, or to an object id."""
        return {
            (ROLES[item["properties"]["roleDefinitionId"].split("/")[-1]], "/".join(item["scope"].split("/")[-2:]))
            for item in self.all("Microsoft.Authorization/roleAssignments")
            if f"/{principal}-abcdefghijklm|" in item["properties"]["principalId"] or item["properties"]["principalId"] == principal
        }


class Administrator(unittest.TestCase):
    def test_is_whoever_deploys_first(self):
        administrator = Deployment().one("Microsoft.Sql/servers")["properties"]["administrators"]
        self.assertEqual(("deployer-id", "somebody@example.com", "User"), (administrator["sid"], administrator["login"], administrator["principalType"]))

    def test_stays_when_a_colleague_deploys_next(self):
        first = Deployment()
        colleague = dict(arm.DEPLOYER)
        arm.DEPLOYER.update(objectId="colleague-id", userPrincipalName="colleague@example.com")
        try:
            second = first.next(AZURE_PRINCIPAL_ID="colleague-id")
        finally:
            arm.DEPLOYER.update(colleague)
        self.assertEqual(first.one("Microsoft.Sql/servers"), second.one("Microsoft.Sql/servers"))
        self.assertEqual(first.rights("deployer-id"), second.rights("deployer-id"))

    def test_can_be_a_group(self):
        deployment = Deployment(ADMINISTRATOR_ID="group-id", ADMINISTRATOR_NAME="DBAs", ADMINISTRATOR_TYPE="Group")
        administrator = deployment.one("Microsoft.Sql/servers")["properties"]["administrators"]
        self.assertEqual(("group-id", "DBAs", "Group"), (administrator["sid"], administrator["login"], administrator["principalType"]))
        kinds = {item["properties"]["principalType"] for item in deployment.all("Microsoft.Authorization/roleAssignments")
                 if item["properties"]["principalId"] == "group-id"}
        self.assertEqual({"Group"}, kinds)

    def test_of_unknown_kind_is_refused_before_anything_is_made(self):
        with self.assertRaisesRegex(arm.Refused, "ADMINISTRATOR_TYPE"):
            Deployment(ADMINISTRATOR_ID="group-id")

    def test_is_named_by_variables_that_azd_does_not_set_by_itself(self):
        text = json.dumps(azd_parameters.read())
        self.assertNotIn("AZURE_PRINCIPAL", text)


class Database(unittest.TestCase):
    def properties(self, **variables):
        return Deployment(**variables).one("Microsoft.Sql/servers/databases")["properties"]

    def test_that_pauses_has_local_backups(self):
        properties = self.properties()
        self.assertEqual(("AutoPause", "Local"), (properties["freeLimitExhaustionBehavior"], properties["requestedBackupStorageRedundancy"]))
        with self.assertRaisesRegex(arm.Refused, "SQL_BACKUP_REDUNDANCY"):
            self.properties(SQL_BACKUP_REDUNDANCY="Geo")

    def test_that_is_billed_may_have_others(self):
        self.assertEqual("Geo", self.properties(SQL_BACKUP_REDUNDANCY="Geo", SQL_FREE_LIMIT_EXHAUSTED="BillOverUsage")["requestedBackupStorageRedundancy"])
        properties = self.properties(SQL_BACKUP_REDUNDANCY="Zone", SQL_FREE_LIMIT="false")
        self.assertEqual((False, None, "Zone"), (
            properties["useFreeLimit"], properties["freeLimitExhaustionBehavior"], properties["requestedBackupStorageRedundancy"]))

    def test_that_was_restored_under_another_name_is_the_one_of_both_programs(self):
        deployment = Deployment(SQL_DATABASE_NAME="finance-ingest-restored")
        self.assertTrue(deployment.one("Microsoft.Sql/servers/databases")["name"].endswith("/finance-ingest-restored"))
        self.assertEqual("finance-ingest-restored", deployment.outputs["DATABASE_NAME"])
        for connection in (deployment.intake["SQL_CONNECTION_STRING"], deployment.worker_variables["SQL_CONNECTION_STRING"]["value"]):
            self.assertIn("Database=finance-ingest-restored;", connection)

    def test_may_be_in_the_region_of_the_other_free_databases(self):
        deployment = Deployment(SQL_LOCATION="northeurope")
        self.assertEqual({"northeurope"}, {deployment.one(kind)["location"] for kind in ("Microsoft.Sql/servers", "Microsoft.Sql/servers/databases")})
        self.assertEqual("westeurope", deployment.one("Microsoft.Storage/storageAccounts")["location"])

    def test_of_each_size_has_the_least_that_Azure_allows(self):
        # https://learn.microsoft.com/azure/azure-sql/database/resource-limits-vcore-single-databases, "min vCores" of GP_S_Gen5.
        for size, least in ((1, 0.5), (4, 0.5), (6, 0.75), (10, 1.25), (18, 2.25), (24, 3), (80, 10)):
            self.assertEqual(least, self.properties(SQL_MAX_VCORES=str(size), SQL_FREE_LIMIT="false")["minCapacity"])

    def test_that_is_free_is_refused_at_once_where_it_is_too_large_for_that(self):
        self.assertEqual(0.5, self.properties(SQL_MAX_VCORES="4")["minCapacity"])
        with self.assertRaisesRegex(arm.Refused, "SQL_MAX_VCORES"):
            self.properties(SQL_MAX_VCORES="6")


class Mail(unittest.TestCase):
    def state(self, **variables):
        return Deployment(**variables).one("Microsoft.Logic/workflows")["properties"]["state"]

    def test_is_off_until_a_person_has_authorised_it(self):
        self.assertEqual("Disabled", self.state())
        self.assertEqual("Disabled", self.state(MAIL_RECIPIENTS="a@example.com"))
        self.assertEqual("Disabled", self.state(MAIL_AUTHORISED="true"))
        self.assertEqual("Enabled", self.state(MAIL_RECIPIENTS="a@example.com", MAIL_AUTHORISED="true"))

    def test_leaves_failures_on_the_alert_queue(self):
        deployment = Deployment()
        definition = json.dumps(deployment.one("Microsoft.Logic/workflows")["properties"]["definition"])
        self.assertNotIn("poison", definition.lower())
        self.assertEqual({("storageQueueDataContributor", "queues/anomaly-alerts")}, deployment.rights("id-mailer"))


class Settings(unittest.TestCase):
    def test_that_is_not_given_is_left_to_the_code(self):
        deployment = Deployment()
        self.assertEqual([], [name for name, value in deployment.intake.items() if value == ""])
        for name in azd_parameters.read()["settings"]:
            self.assertNotIn(name, deployment.worker_variables)

    def test_each_reaches_both_programs_and_stays(self):
        variables = {
            azd_parameters.VARIABLE.fullmatch(text).group(1): f"value of {name}" for name, text in azd_parameters.read()["settings"].items()}
        deployment = Deployment(**variables)
        for again in (deployment, deployment.next()):
            for name in azd_parameters.read()["settings"]:
                self.assertEqual(f"value of {name}", again.intake[name])
                self.assertEqual(f"value of {name}", again.worker_variables[name]["value"])

    def test_each_parameter_of_the_template_has_a_variable(self):
        # What has none can be changed in the portal only, and the next deployment would undo that.
        template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
        self.assertEqual(set(template["parameters"]), set(azd_parameters.read()))
        variables = azd_parameters.VARIABLE.findall(json.dumps(azd_parameters.read()))
        self.assertEqual(len(variables), len({name for name, _ in variables}))
        for name, value in azd_parameters.read().items():
            expected = {"environmentName": "AZURE_ENV_NAME", "location": "AZURE_LOCATION", "workerExists": "SERVICE_WORKER_RESOURCE_EXISTS=false"}.get(
                name, re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).upper())
            if isinstance(value, str):
                self.assertEqual(f"${{{expected}}}", value, "The variable has the parameter's name, and its default stands in main.bicep alone.")

    def test_the_fixed_ones_win_over_the_list(self):
        both = set(azd_parameters.read()["settings"]) & set(Deployment().worker_variables)
        self.assertEqual(set(), both)

    def test_of_the_worker_alone_and_its_secrets(self):
        deployment = Deployment(
            WORKER_SETTINGS='{"FinanceIngest__Notify__Channels__ops__Type": "smtp"}',
            WORKER_VAULT_REFERENCES='{"FinanceIngest__Notify__Channels__ops__Password": "SMTP-password", "FinanceIngest__Other": "smtp-password"}')
        self.assertEqual("smtp", deployment.worker_variables["FinanceIngest__Notify__Channels__ops__Type"]["value"])
        self.assertEqual("smtp-password", deployment.worker_variables["FinanceIngest__Notify__Channels__ops__Password"]["secretRef"])
        self.assertNotIn("FinanceIngest__Notify__Channels__ops__Type", deployment.intake)
        secrets = deployment.worker["configuration"]["secrets"]
        self.assertEqual(["id-signing-key", "smtp-password"], [secret["name"] for secret in secrets])
        self.assertTrue(secrets[1]["keyVaultUrl"].endswith("vaultUri>secrets/smtp-password"), secrets[1])

    def test_the_second_deployment_changes_nothing(self):
        first = Deployment(OPERATORS="a@example.com", MAIL_RECIPIENTS="b@example.com", SQL_MAX_VCORES="4")
        self.assertEqual(first.resources, first.next().resources)


class Environment(unittest.TestCase):
    """The variables of azd on the machine of whoever deploys next. It has outputs only, until somebody sets something."""

    # A value of each variable that is neither its default nor empty.
    OTHERS = {
        "ADMINISTRATOR_ID": "group-id", "ADMINISTRATOR_NAME": "DBAs", "ADMINISTRATOR_TYPE": "Group", "MAIL_RECIPIENTS": "a@example.com",
        "MAIL_AUTHORISED": "true", "OPERATORS": "a@example.com; b@example.com", "CURRENCY_SYMBOL": "€", "TRANSACTION_LINK": "https://example.com/",
        "SQL_DATABASE_NAME": "restored", "SQL_LOCATION": "northeurope", "SQL_FREE_LIMIT": "false", "SQL_FREE_LIMIT_EXHAUSTED": "BillOverUsage",
        "SQL_BACKUP_REDUNDANCY": "Geo", "SQL_MAX_VCORES": "8", "STORAGE_REDUNDANCY": "Standard_GZRS", "INTAKE_MEMORY": "2048", "INTAKE_CONCURRENCY": "50",
        "INTAKE_MAX_INSTANCES": "10", "INTAKE_UPDATES": "RollingUpdate", "WORKER_MIN_REPLICAS": "1", "WORKER_MAX_REPLICAS": "9", "WORKER_QUEUE_LENGTH": "32",
        "WORKER_SETTINGS": '{"FinanceIngest__Notify__Channels__ops__Type": "smtp"}',
        "WORKER_VAULT_REFERENCES": '{"FinanceIngest__Notify__Channels__ops__Password": "smtp-password"}',
        "NOTIFIER": "true", "NOTIFIER_SETTINGS": '{"FinanceIngest__Notify__Channels__push__Type": "webpush"}',
        "NOTIFIER_VAULT_REFERENCES": '{"FinanceIngest__Notify__Channels__push__PrivateKey": "vapid-key"}',
        "PORTAL_IMAGE": "ghcr.io/owner/finance-ingest-intake:0.1.0", "PRIVATE_NETWORK": "true", "LOG_DAILY_QUOTA_GB": "3",
        "PROTECT_VAULTS_FROM_PURGE": "false", "FUNCTION_KEYS_IN_VAULT": "true",
    }

    @classmethod
    def variables(cls) -> set[str]:
        """Every variable of the parameters file but those that azd itself sets."""
        names = {name for name, _ in azd_parameters.VARIABLE.findall(json.dumps(azd_parameters.read()))}
        return {name for name in names if not name.startswith(("AZURE_", "SERVICE_"))}

    def test_of_a_second_machine_has_every_variable(self):
        self.assertEqual(set(), self.variables() - set(Deployment().outputs))

    def test_of_a_second_machine_deploys_the_same(self):
        settings = {azd_parameters.VARIABLE.fullmatch(text).group(1): f"value of {name}" for name, text in azd_parameters.read()["settings"].items()}
        self.assertEqual(self.variables(), set(self.OTHERS) | set(settings), "OTHERS has a value of each variable.")
        for first in (Deployment(), Deployment(**(self.OTHERS | settings)), Deployment(**(self.OTHERS | settings | {"PRIVATE_NETWORK": "false"}))):
            second = Deployment(**first.refreshed)
            self.assertEqual(first.resources, second.resources)
            self.assertEqual(first.outputs, second.outputs)

    def test_tells_no_secret(self):
        template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
        for name, item in (template["parameters"] | template["outputs"]).items():
            self.assertFalse(item["type"].lower().startswith("secure"), name)
        for name in Deployment().outputs:
            self.assertIsNone(re.search("PASSWORD|SECRET|TOKEN|CONNECTION_STRING|SIGNING_KEY$", name), name)


class WorkerImage(unittest.TestCase):
    def image(self, **variables):
        deployment = Deployment(**variables)
        return deployment.one("Microsoft.App/containerApps"), deployment.worker["template"]["containers"][0]["image"]

    def test_is_a_placeholder_while_there_is_no_worker(self):
        # After "azd down" azd's environment still has the image of a registry that is gone.
        for variables in ({}, {"SERVICE_WORKER_RESOURCE_EXISTS": "false", "SERVICE_WORKER_IMAGE_NAME": "cr.azurecr.io/gone:1"}):
            self.assertTrue(self.image(**variables)[1].startswith("mcr.microsoft.com/"))

    def test_is_that_of_the_app_where_there_is_one(self):
        app, image = self.image(SERVICE_WORKER_RESOURCE_EXISTS="true", SERVICE_WORKER_IMAGE_NAME="cr.azurecr.io/other:1")
        self.assertEqual(f"<{app['id']}|template.containers.0.image>", image)


class Portal(unittest.TestCase):
    VARIABLES = {"PORTAL_IMAGE": "ghcr.io/owner/finance-ingest-intake:0.1.0", "JWT_AUTHORITY": "https://login.microsoftonline.com/tenant-id/v2.0",
                 "JWT_AUDIENCE": "application-id", "PUBLIC_URL": "https://api.example.com"}

    def app(self, name, **variables):
        found = [app for app in Deployment(**variables).all("Microsoft.App/containerApps") if app["name"].startswith(name)]
        return found[0]["properties"] if found else None

    def environment(self, name, **variables):
        container = self.app(name, **variables)["template"]["containers"][0]
        return {variable["name"]: variable.get("value", variable.get("secretRef")) for variable in container["env"]}

    def test_is_deployed_by_one_variable_and_sleeps_while_nobody_looks(self):
        self.assertIsNone(self.app("ca-portal-"))
        portal = self.app("ca-portal-", **self.VARIABLES)
        self.assertEqual("ghcr.io/owner/finance-ingest-intake:0.1.0", portal["template"]["containers"][0]["image"])
        self.assertEqual((0, 1), (portal["template"]["scale"]["minReplicas"], portal["template"]["scale"]["maxReplicas"]))
        self.assertEqual((True, False, 7071), tuple(portal["configuration"]["ingress"][name] for name in ("external", "allowInsecure", "targetPort")))

    def test_takes_tokens_of_Entra_and_no_key(self):
        environment = self.environment("ca-portal-", **self.VARIABLES)
        self.assertEqual("application-id", environment["FinanceIngest__Jwt__Audience"])
        self.assertEqual("intake", environment["FinanceIngest__Roles"])
        self.assertEqual([], [name for name in environment if "ApiKeys" in name])

    def test_without_an_issuer_is_refused_before_anything_is_made(self):
        for missing in ("JWT_AUTHORITY", "JWT_AUDIENCE"):
            with self.assertRaisesRegex(arm.Refused, "JWT_AUTHORITY and JWT_AUDIENCE"):
                Deployment(**{name: value for name, value in self.VARIABLES.items() if name != missing})

    def test_is_what_alerts_and_mails_link_to(self):
        url = Deployment(**self.VARIABLES).outputs["PORTAL_URL"]
        self.assertRegex(url, "^https://ca-portal-abcdefghijklm[.]")
        self.assertEqual(url, self.environment("ca-portal-", **self.VARIABLES)["FinanceIngest__PublicUrl"])
        self.assertEqual(f"{url}/#/transactions/{{transaction_id}}", self.environment("ca-worker-", **self.VARIABLES)["FinanceIngest__Notify__LinkTemplate"])
        self.assertIn(f"{url}/#/transactions/", json.dumps(Deployment(**self.VARIABLES).one("Microsoft.Logic/workflows")))
        self.assertNotIn("FinanceIngest__Notify__LinkTemplate", self.environment("ca-worker-"))
        self.assertEqual("", Deployment().outputs["PORTAL_URL"])
        self.assertEqual({"intake", "worker", "notifier"}, set(Deployment().outputs["IDENTITIES"]))
        self.assertEqual("id-portal-abcdefghijklm", Deployment(**self.VARIABLES).outputs["IDENTITIES"]["portal"]["name"])

    def test_has_the_rights_of_its_work_alone(self):
        self.assertEqual(set(), Deployment().rights("id-portal"))
        self.assertEqual({
            ("acrPull", "registries/crabcdefghijklm"), ("keyVaultSecretsUser", "vaults/kv-abcdefghijklm"),
            ("monitoringMetricsPublisher", "components/appi-abcdefghijklm"),
            ("storageQueueDataReader", "storageAccounts/stabcdefghijklm"), ("storageQueueDataMessageSender", "queues/transactions-inbound"),
            ("storageQueueDataContributor", "queues/transactions-inbound-poison"), ("storageQueueDataMessageSender", "queues/anomaly-alerts"),
        }, Deployment(**self.VARIABLES).rights("id-portal"))


class Intake(unittest.TestCase):
    def configuration(self, **variables):
        return Deployment(**variables).one("Microsoft.Web/sites")["properties"]["functionAppConfig"]

    def test_has_small_instances_with_many_requests_each(self):
        scale = self.configuration()["scaleAndConcurrency"]
        self.assertEqual((512, 100), (scale["instanceMemoryMB"], scale["triggers"]["http"]["perInstanceConcurrency"]))
        larger = self.configuration(INTAKE_MEMORY="2048", INTAKE_CONCURRENCY="200", INTAKE_MAX_INSTANCES="10")["scaleAndConcurrency"]
        self.assertEqual((2048, 200, 10), (larger["instanceMemoryMB"], larger["triggers"]["http"]["perInstanceConcurrency"], larger["maximumInstanceCount"]))

    def test_holds_no_more_than_an_eighth_of_its_memory(self):
        self.assertEqual(str(64 * 1024 ** 2), Deployment().intake["FinanceIngest__Intake__MaximumBytesInFlight"])
        self.assertEqual(str(256 * 1024 ** 2), Deployment(INTAKE_MEMORY="2048").intake["FinanceIngest__Intake__MaximumBytesInFlight"])
        self.assertEqual("40000000", Deployment(INTAKE_MAXIMUM_BYTES_IN_FLIGHT="40000000").intake["FinanceIngest__Intake__MaximumBytesInFlight"])

    def test_is_replaced_as_Azure_does_by_default_and_not_by_a_preview(self):
        self.assertEqual({"type": "Recreate"}, self.configuration()["siteUpdateStrategy"])
        self.assertEqual({"type": "RollingUpdate"}, self.configuration(INTAKE_UPDATES="RollingUpdate")["siteUpdateStrategy"])

    def test_keeps_its_keys_where_the_platform_does_unless_told(self):
        deployment = Deployment()
        self.assertEqual([], [name for name in deployment.intake if name.startswith("AzureWebJobsSecretStorage")])
        self.assertEqual(["kv-abcdefghijklm"], [vault["name"] for vault in deployment.all("Microsoft.KeyVault/vaults")])
        self.assertIn(("storageBlobDataOwner", "storageAccounts/stabcdefghijklm"), deployment.rights("id-intake"))
        deployment = Deployment(FUNCTION_KEYS_IN_VAULT="true")
        self.assertEqual("keyvault", deployment.intake["AzureWebJobsSecretStorageType"])
        self.assertIn("kvf-abcdefghijklm", deployment.intake["AzureWebJobsSecretStorageKeyVaultUri"])
        self.assertIn(("keyVaultSecretsOfficer", "vaults/kvf-abcdefghijklm"), deployment.rights("id-intake"))


class Storage(unittest.TestCase):
    def sku(self, **variables):
        return Deployment(**variables).one("Microsoft.Storage/storageAccounts")["sku"]["name"]

    def test_has_zones_where_the_region_has(self):
        self.assertEqual("Standard_ZRS", self.sku())
        self.assertEqual("Standard_ZRS", self.sku(AZURE_LOCATION="West Europe"))
        self.assertEqual("Standard_LRS", self.sku(AZURE_LOCATION="westus"))
        self.assertEqual("Standard_GZRS", self.sku(STORAGE_REDUNDANCY="Standard_GZRS"))

    def test_keeps_its_redundancy_when_the_list_of_regions_changes(self):
        first = Deployment(AZURE_LOCATION="westus")
        self.assertEqual("Standard_LRS", first.next(AZURE_LOCATION="westeurope").one("Microsoft.Storage/storageAccounts")["sku"]["name"])


class FreeAmount(unittest.TestCase):
    def test_is_watched_before_it_is_used_up(self):
        deployment = Deployment(OPERATORS="a@example.com")
        rule = deployment.one("Microsoft.Insights/metricAlerts")["properties"]
        [criterion] = rule["criteria"]["allOf"]
        self.assertEqual(("free_amount_remaining", "LessThan", "Minimum"), (criterion["metricName"], criterion["operator"], criterion["timeAggregation"]))
        self.assertTrue(5_000 <= criterion["threshold"] < 100_000)
        self.assertEqual([deployment.one("Microsoft.Sql/servers/databases")["id"]], rule["scopes"])
        self.assertEqual([{"actionGroupId": deployment.one("Microsoft.Insights/actionGroups")["id"]}], rule["actions"])

    def test_is_reported_to_every_operator_and_to_no_empty_address(self):
        receivers = Deployment(OPERATORS=" a@example.com;; b@example.com; ").one("Microsoft.Insights/actionGroups")["properties"]["emailReceivers"]
        self.assertEqual(["a@example.com", "b@example.com"], [receiver["emailAddress"] for receiver in receivers])
        self.assertEqual([], Deployment(OPERATORS=" ; ").all("Microsoft.Insights/actionGroups"))

    def test_is_not_watched_where_there_is_none(self):
        self.assertEqual([], Deployment(OPERATORS="a@example.com", SQL_FREE_LIMIT="false").all("Microsoft.Insights/metricAlerts"))


class Costs(unittest.TestCase):
    def test_are_computed_for_what_is_deployed(self):
        import azure_cost
        deployment = Deployment()
        assumed = {name: value for name, (value, _) in azure_cost.ASSUMPTIONS.items()}
        scale = deployment.one("Microsoft.Web/sites")["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        self.assertEqual(assumed["function_gb"], scale["instanceMemoryMB"] / 1024)
        template = deployment.worker["template"]
        resources = template["containers"][0]["resources"]
        self.assertEqual((assumed["worker_vcores"], f"{assumed['worker_gib']:g}Gi"), (resources["cpu"], resources["memory"]))
        self.assertEqual(assumed["worker_tail_seconds"], template["scale"]["pollingInterval"] + template["scale"]["cooldownPeriod"])
        database = deployment.one("Microsoft.Sql/servers/databases")["properties"]
        self.assertEqual((assumed["sql_tail_seconds"], assumed["sql_vcores_idle"]), (database["autoPauseDelay"] * 60, database["minCapacity"]))
        self.assertEqual(azure_cost.PRICES["sql_gb_month"][2] * 1024 ** 3, database["maxSizeBytes"])
        rules = Deployment(OPERATORS="a@example.com").all("Microsoft.Insights/scheduledQueryRules")
        self.assertEqual((assumed["log_alert_rules"], {"PT5M"}), (len(rules), {rule["properties"]["evaluationFrequency"] for rule in rules}))
        self.assertEqual("Standard_ZRS", Deployment(AZURE_LOCATION="eastus").one("Microsoft.Storage/storageAccounts")["sku"]["name"])
        trigger = deployment.one("Microsoft.Logic/workflows")["properties"]["definition"]["triggers"]["When_there_are_alerts"]["recurrence"]
        self.assertEqual(("Minute", assumed["logic_polls_per_minute"]), (trigger["frequency"], 1 / trigger["interval"]))


class Network(unittest.TestCase):
    KEEPERS = ("Microsoft.Storage/storageAccounts", "Microsoft.Sql/servers", "Microsoft.KeyVault/vaults")

    def test_is_public_by_default(self):
        deployment = Deployment()
        self.assertEqual({"Enabled"}, {keeper["properties"]["publicNetworkAccess"] for kind in self.KEEPERS for keeper in deployment.all(kind)})
        self.assertEqual([], deployment.all("Microsoft.Network/virtualNetworks"))
        self.assertIsNone(deployment.one("Microsoft.Web/sites")["properties"]["virtualNetworkSubnetId"])

    def test_is_private_by_one_variable(self):
        deployment = Deployment(PRIVATE_NETWORK="true", FUNCTION_KEYS_IN_VAULT="true", OPERATORS="a@example.com")
        keepers = [keeper for kind in self.KEEPERS for keeper in deployment.all(kind)]
        self.assertEqual(4, len(keepers))
        self.assertEqual({"Disabled"}, {keeper["properties"]["publicNetworkAccess"] for keeper in keepers})
        self.assertEqual([], deployment.all("Microsoft.Sql/servers/firewallRules"))
        [network] = deployment.all("Microsoft.Network/virtualNetworks")
        subnets = {subnet["name"]: subnet["properties"] for subnet in network["properties"]["subnets"]}
        for name in ("intake", "worker"):
            self.assertEqual("Microsoft.App/environments", subnets[name]["delegations"][0]["properties"]["serviceName"])
        self.assertEqual(f"{network['id']}/subnets/intake", deployment.one("Microsoft.Web/sites")["properties"]["virtualNetworkSubnetId"])
        self.assertEqual(
            f"{network['id']}/subnets/worker", deployment.one("Microsoft.App/managedEnvironments")["properties"]["vnetConfiguration"]["infrastructureSubnetId"])

    def test_has_an_endpoint_and_a_name_for_everything_that_is_private(self):
        for keys in ("false", "true"):
            with self.subTest(keys=keys):
                self.has_an_endpoint_and_a_name_for_each(Deployment(PRIVATE_NETWORK="true", FUNCTION_KEYS_IN_VAULT=keys))

    def has_an_endpoint_and_a_name_for_each(self, deployment):
        endpoints = {
            (connection["properties"]["privateLinkServiceId"], connection["properties"]["groupIds"][0])
            for endpoint in deployment.all("Microsoft.Network/privateEndpoints") for connection in endpoint["properties"]["privateLinkServiceConnections"]}
        [account], [server] = deployment.all(self.KEEPERS[0]), deployment.all(self.KEEPERS[1])
        expected = {(account["id"], "blob"), (account["id"], "queue"), (server["id"], "sqlServer")}
        self.assertEqual(expected | {(vault["id"], "vault") for vault in deployment.all(self.KEEPERS[2])}, endpoints)
        zones = {zone["id"] for zone in deployment.all("Microsoft.Network/privateDnsZones")}
        named = {config["properties"]["privateDnsZoneId"] for group in deployment.all("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
                 for config in group["properties"]["privateDnsZoneConfigs"]}
        self.assertEqual(zones, named)
        self.assertEqual(len(zones), len(deployment.all("Microsoft.Network/privateDnsZones/virtualNetworkLinks")))

    def test_has_no_mailer_which_could_not_reach_the_queue(self):
        self.assertEqual([], Deployment(PRIVATE_NETWORK="true").all("Microsoft.Logic/workflows"))


class Rights(unittest.TestCase):
    def test_are_the_fewest(self):
        deployment = Deployment()
        self.assertEqual({
            ("keyVaultSecretsUser", "vaults/kv-abcdefghijklm"),
            ("monitoringMetricsPublisher", "components/appi-abcdefghijklm"), ("storageBlobDataOwner", "storageAccounts/stabcdefghijklm"),
            ("storageQueueDataMessageSender", "queues/transactions-inbound"), ("storageQueueDataReader", "storageAccounts/stabcdefghijklm"),
        }, deployment.rights("id-intake"))
        self.assertEqual({
            ("acrPull", "registries/crabcdefghijklm"), ("keyVaultSecretsUser", "vaults/kv-abcdefghijklm"),
            ("monitoringMetricsPublisher", "components/appi-abcdefghijklm"), ("storageQueueDataContributor", "queues/transactions-inbound"),
            ("storageQueueDataMessageSender", "queues/anomaly-alerts"), ("storageQueueDataMessageSender", "queues/transactions-inbound-poison"),
            ("storageQueueDataReader", "storageAccounts/stabcdefghijklm"),
        }, deployment.rights("id-worker"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TEMPLATE = Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=0)
