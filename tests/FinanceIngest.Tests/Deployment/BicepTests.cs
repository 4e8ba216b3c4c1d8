using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Configuration;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace FinanceIngest.Tests.Deployment;

/// <summary>
/// infra/ against the code. The Bicep is read as text, so that this needs no compiler; <c>.ci/deployment</c> compiles and lints it.
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
        string sql = string.Join('\n', Directory.GetFiles(Path.Combine(Support.Repository.Root, "src", "Shared", "Storage", "SqlServer"), "*.sql", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.All(s_names.GetProperty("databaseRoles").EnumerateObject(), role => Assert.Contains($"CREATE ROLE {role.Value.GetString()};", sql, StringComparison.Ordinal));
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
        Assert.True(int.Parse(Regex.Match(worker, @"terminationGracePeriodSeconds: (\d+)").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) > 25);
        Assert.Contains("ENV ASPNETCORE_URLS=http://*:7072\n", Text("Dockerfile"), StringComparison.Ordinal);
        Assert.All(Regex.Matches(worker, @"httpGet: \{ path: '(\S+)', port: (\d+) \}"), probe =>
        {
            Assert.Contains(probe.Groups[1].Value, new[] { "/healthz", "/readyz" });
            Assert.Equal("7072", probe.Groups[2].Value);
        });
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
        new TSql170Parser(initialQuotedIdentifiers: true, SqlEngineType.SqlAzure).Parse(new StringReader(statement), out IList<ParseError> errors);
        Assert.Empty(errors.Select(error => $"{error.Line}: {error.Message}"));
    }

    /// <summary>The settings that a Bicep file sets, each with a value of the kind that it gets.</summary>
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

    // As a property of an object (Function App) or as an entry of a list (Container App), where the value may stand on a line of its own.
    [GeneratedRegex(
        @"^\s+(?:(?<name>(?:FinanceIngest__|AZURE_|SQL_)\w+):|\{?\s*name: '(?<name>(?:FinanceIngest__|AZURE_|SQL_|APPLICATIONINSIGHTS_)\w+)',?\s+(?:value|secretRef):) (?<value>.+)$",
        RegexOptions.Multiline)]
    private static partial Regex Setting();

    [GeneratedRegex(@"\$\{[^}]*\}")]
    private static partial Regex Interpolation();

    [GeneratedRegex(@"Setting\(""(\w+)""\)")]
    private static partial Regex HookSetting();
}
