using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Configuration;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace FinanceIngest.Tests.Deployment;

/// <summary>
/// Compares infra/ with the code. The Bicep is read as text, so that the tests need no compiler; <c>.ci/run deployment</c> compiles and lints it.
/// </summary>
public sealed partial class BicepTests
{
    private static readonly JsonElement s_names = JsonDocument.Parse(Text("infra/names.json")).RootElement;

    [Fact]
    public void Queues_are_called_as_in_the_code()
    {
        JsonElement queues = s_names.GetProperty("queues");
        Assert.Equal(DeployedSettings.Unset.InboundQueue, queues.GetProperty("inbound").GetString());
        Assert.Equal(DeployedSettings.Unset.PoisonQueue, queues.GetProperty("poison").GetString());
        Assert.Equal(DeployedSettings.Unset.AlertQueue, queues.GetProperty("alerts").GetString());

        string storage = Text("infra/app/storage.bicep");
        Assert.All(queues.EnumerateObject(), queue => Assert.Contains($"name: queueNames.{queue.Name}\n", storage, StringComparison.Ordinal));
    }

    [Fact]
    public void Database_roles_are_those_that_migrate_makes()
    {
        string folder = Path.Combine(Support.Repository.Root, "src", "Shared", "Storage", "SqlServer");
        string sql = string.Join('\n', Directory.GetFiles(folder, "*.sql", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.All(
            s_names.GetProperty("databaseRoles").EnumerateObject(),
            role => Assert.Contains($"CREATE ROLE {role.Value.GetString()};", sql, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("infra/app/intake.bicep", ProgramKind.IngestFunction)]
    [InlineData("infra/app/worker.bicep", ProgramKind.ScoringWorker)]
    public void Programs_take_their_environment(string file, ProgramKind program)
    {
        Dictionary<string, string> environment = Environment(file);
        Settings settings = DeployedSettings.Read(environment, program);
        DeployedSettings.AssertQueues(settings);
        Assert.NotNull(settings.QueueServiceUri);
        Assert.NotNull(settings.IdSigningKey);
        Assert.Contains("AZURE_CLIENT_ID", environment.Keys);
        foreach (string name in environment.Keys.Where(name => name is not "AZURE_CLIENT_ID" and not "APPLICATIONINSIGHTS_CONNECTION_STRING"))
        {
            Assert.ThrowsAny<Exception>(() => DeployedSettings.Read(environment.Misspelt(name), program));
        }
    }

    [Fact]
    public void The_worker_scales_by_the_inbound_queue()
    {
        string worker = Text("infra/app/worker.bicep");
        Assert.Contains("queueName: queueNames.inbound\n", worker, StringComparison.Ordinal);
        string grace = Regex.Match(worker, @"terminationGracePeriodSeconds: (\d+)").Groups[1].Value;
        Assert.True(int.Parse(grace, CultureInfo.InvariantCulture) > Deadlines.Stop.TotalSeconds);
        Assert.Contains("ENV ASPNETCORE_URLS=http://*:7072\n", Text("Dockerfile"), StringComparison.Ordinal);
        Assert.All(Regex.Matches(worker, @"httpGet: \{ path: '(\S+)', port: (\d+) \}"), probe =>
        {
            Assert.Contains(probe.Groups[1].Value, new[] { "/healthz", "/readyz" });
            Assert.Equal("7072", probe.Groups[2].Value);
        });
    }

    [Fact]
    public void Probes_keep_to_what_Container_Apps_allows_and_hold_for_the_stand_in_as_well()
    {
        string worker = Text("infra/app/worker.bicep");
        Assert.All(Regex.Matches(worker, @"failureThreshold: (\d+)"), match =>
            Assert.InRange(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), 1, 10));

        // azd's deployment replaces the image and keeps the other properties: probes that depended on the image would be missing after the first "azd up".
        Assert.Contains("probes: probes\n", worker, StringComparison.Ordinal);
        Assert.Contains("{ name: 'ASPNETCORE_URLS', value: 'http://*:7072' }", worker, StringComparison.Ordinal);
    }

    [Fact]
    public void Flex_Consumption_gets_no_site_setting_that_it_refuses()
    {
        // Azure's error 51021 names, among other settings, ftpsState, linuxFxVersion, alwaysOn and use32BitWorkerProcess.
        MatchCollection settings = Regex.Matches(Text("infra/app/intake.bicep"), @"siteConfig: \{([^}]*)\}");
        Assert.Equal("minTlsVersion: '1.2'", Assert.Single(settings).Groups[1].Value.Trim());
    }

    [Theory]
    [InlineData(1, "0.5")]
    [InlineData(4, "0.5")]
    [InlineData(6, "0.75")]
    [InlineData(10, "1.25")]
    [InlineData(18, "2.25")]
    [InlineData(80, "10")]
    public void A_large_database_has_the_least_that_Azure_allows(int maxVcores, string least)
    {
        // https://learn.microsoft.com/azure/azure-sql/database/resource-limits-vcore-single-databases: "min-max vCores" of GP_S_Gen5.
        // The test asserts the text of Bicep's expression and repeats its computation in C#.
        Assert.Contains(
            "var minCapacity = maxVcores <= 4 ? '0.5' : '${maxVcores / 8}.${padLeft(maxVcores % 8 * 125, 3, '0')}'\n",
            Text("infra/app/database.bicep"),
            StringComparison.Ordinal);
        string computed = maxVcores <= 4 ? "0.5" : $"{maxVcores / 8}.{maxVcores % 8 * 125:000}";
        Assert.Equal(decimal.Parse(least, CultureInfo.InvariantCulture), decimal.Parse(computed, CultureInfo.InvariantCulture));
        Match allowed = Regex.Match(Text("infra/main.bicep"), @"@allowed\(\[([\d, ]+)\]\)\n.*\nparam sqlMaxVcores");
        Assert.Contains(maxVcores.ToString(CultureInfo.InvariantCulture), allowed.Groups[1].Value.Split(", "));
    }

    [Fact]
    public void Alert_rules_are_those_of_the_file()
    {
        string alerts = Text("infra/app/alerts.bicep");
        Assert.Contains("loadYamlContent('../../ops/alerts/azure.yaml', 'rules')", alerts, StringComparison.Ordinal);
        object rule = Assert.Single(Yaml.Documents("ops/alerts/azure.yaml")).List("rules").First();
        Assert.All(Regex.Matches(alerts, @"\brule\.(\w+)"), match => Assert.NotNull(rule.Text(match.Groups[1].Value)));
    }

    [Fact]
    public void Nothing_holds_an_account_key()
    {
        Assert.Contains("allowSharedKeyAccess: false\n", Text("infra/app/storage.bicep"), StringComparison.Ordinal);
        Assert.Contains("azureADOnlyAuthentication: true\n", Text("infra/app/database.bicep"), StringComparison.Ordinal);
        Assert.Contains("adminUserEnabled: false", Text("infra/app/worker.bicep"), StringComparison.Ordinal);
        foreach (string path in Directory.GetFiles(Path.Combine(Support.Repository.Root, "infra"), "*.bicep", SearchOption.AllDirectories))
        {
            Assert.DoesNotMatch("(?i)listKeys|AccountKey=|Password=|sharedKey:", File.ReadAllText(path));
        }
    }

    [Fact]
    public void Parameters_and_the_hooks_variables_exist_in_the_template()
    {
        string main = Text("infra/main.bicep");
        using JsonDocument parameters = JsonDocument.Parse(Text("infra/main.parameters.json"));
        Assert.All(parameters.RootElement.GetProperty("parameters").EnumerateObject(), parameter => Assert.Matches($@"(?m)^param {parameter.Name} ", main));
        Assert.All(HookSetting().Matches(Text("infra/hooks/prepare-database.cs")), match => Assert.Matches($"(?m)^output {match.Groups[1].Value} ", main));
    }

    [Fact]
    public void The_hook_gives_the_worker_the_right_to_purge_only_where_rows_are_purged()
    {
        string hook = Text("infra/hooks/prepare-database.cs");
        Assert.Contains("GetProperty(\"retention\").GetString()!, PurgesRows());", hook, StringComparison.Ordinal);
        string variable = Regex.Match(hook, @"PurgesRows\(\) => Environment\.GetEnvironmentVariable\(""(\w+)""\)").Groups[1].Value;
        Assert.Contains($"\"FinanceIngest__Retention__Days\": \"${{{variable}=}}\"", Text("infra/main.parameters.json"), StringComparison.Ordinal);
        foreach (Match sql in Regex.Matches(hook, @"\$""((?:ALTER ROLE|IF IS_ROLEMEMBER)[^""]*)"""))
        {
            string statement = sql.Groups[1].Value
                .Replace("{Quote(role)}", "[finance_ingest_retention]", StringComparison.Ordinal)
                .Replace("{Quote(identity)}", "[id-worker-x]", StringComparison.Ordinal);
            Assert.DoesNotContain('{', statement);
            AssertParses(statement);
        }
    }

    [Fact]
    public void The_hooks_grants_are_T_SQL()
    {
        Match sql = Regex.Match(Text("infra/hooks/prepare-database.cs"), """"
            \$"""\r?\n(?<sql>.*?)""";
            """".Trim(), RegexOptions.Singleline);
        string statement = sql.Groups["sql"].Value
            .Replace("{user}", "[id-worker-x]", StringComparison.Ordinal)
            .Replace("{sid}", "0x00112233445566778899AABBCCDDEEFF", StringComparison.Ordinal)
            .Replace("{Quote(role)}", "[finance_ingest_worker]", StringComparison.Ordinal);
        Assert.Contains("CREATE USER", statement, StringComparison.Ordinal);
        AssertParses(statement);
    }

    private static void AssertParses(string statement)
    {
        new TSql170Parser(initialQuotedIdentifiers: true, SqlEngineType.SqlAzure).Parse(new StringReader(statement), out IList<ParseError> errors);
        Assert.Empty(errors.Select(error => $"{error.Line}: {error.Message}"));
    }

    /// <summary>Returns the settings that a Bicep file sets, each with a sample value of the kind that the setting gets.</summary>
    private static Dictionary<string, string> Environment(string file) => Setting().Matches(Text(file)).ToDictionary(
        match => match.Groups["name"].Value,
        match => match.Groups["value"].Value.Trim().TrimEnd('}').Trim() switch
        {
            "queueNames.inbound" => s_names.GetProperty("queues").GetProperty("inbound").GetString()!,
            "queueNames.alerts" => s_names.GetProperty("queues").GetProperty("alerts").GetString()!,
            "storage.properties.primaryEndpoints.queue" => "https://account.queue.core.windows.net/",
            ['\'', .. string text, '\''] => Interpolation().Replace(text, "x"),
            string expression => expression,
        });

    private static string Text(string path) => File.ReadAllText(Path.Combine(Support.Repository.Root, path)).ReplaceLineEndings("\n");

    // A setting is a property of an object (Function App) or an entry of a list (Container App), where its value may stand on a line of its own.
    [GeneratedRegex(
        @"^\s+(?:(?<name>(?:FinanceIngest__|AZURE_|SQL_)\w+):"
        + @"|\{?\s*name: '(?<name>(?:FinanceIngest__|AZURE_|SQL_|APPLICATIONINSIGHTS_)\w+)',?\s+(?:value|secretRef):) (?<value>.+)$",
        RegexOptions.Multiline)]
    private static partial Regex Setting();

    [GeneratedRegex(@"\$\{[^}]*\}")]
    private static partial Regex Interpolation();

    [GeneratedRegex(@"Setting\(""(\w+)""\)")]
    private static partial Regex HookSetting();
}
