using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Observability;
using FinanceIngest.Tests.Cli;
using FinanceIngest.Tests.Deployment;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Observability;

/// <summary>The dashboard, the alert rules, the runbook and the code use the same names.</summary>
public sealed partial class OperationsFilesTests
{
    // ASP.NET Core provides these metrics; every other metric is this system's own.
    private static readonly string[] s_builtIn = ["http_server_request_duration_seconds"];

    private static readonly string[] s_labels =
    [
        "finance_ingest_cause",
        "finance_ingest_channel",
        "finance_ingest_outcome",
        "messaging_destination_name",
        "messaging_operation_name",
        "db_operation_name",
        "http_response_status_code",
    ];

    // The Logic App and the workspace itself are seen by Azure Monitor only.
    private static readonly string[] s_azureOnly = ["FinanceIngestMailFailing", "FinanceIngestTelemetryCapped"];

    // The rule about the free amount watches a metric of the database rather than the workspace, and stands in infra/app/alerts.bicep.
    private const string FreeAmount = "FinanceIngestFreeAmountLow";

    public static TheoryData<string> Rules => [.. AlertNames("ops/alerts/azure.yaml"), FreeAmount];

    [Theory]
    [InlineData("ops/grafana/finance-ingest.json")]
    [InlineData("ops/alerts/prometheus.yaml")]
    public async Task Every_metric_named_exists(string file)
    {
        string[] known = [.. (await InstrumentsAsync()).SelectMany(PrometheusNames), .. s_builtIn.SelectMany(Series), .. s_labels];
        string[] named = [.. PrometheusName().Matches(Read(file)).Select(match => match.Value).Distinct()];

        Assert.NotEmpty(named);
        Assert.Empty(named.Except(known));
    }

    [Fact]
    public async Task Every_metric_named_for_azure_exists()
    {
        string[] known = [.. (await InstrumentsAsync()).Select(instrument => instrument.Name)];
        string[] named = [.. AzureName().Matches(Read("ops/alerts/azure.yaml")).Select(match => match.Groups[1].Value).Distinct()];

        Assert.NotEmpty(named);
        Assert.Empty(named.Except(known));
    }

    [Fact]
    public async Task Every_metric_is_documented()
    {
        string text = Read("docs/operations.md");

        Assert.All(await InstrumentsAsync(), instrument => Assert.Contains($"`{instrument.Name}`", text, StringComparison.Ordinal));
    }

    [Fact]
    public void The_dashboard_is_json()
    {
        using JsonDocument dashboard = JsonDocument.Parse(Read("ops/grafana/finance-ingest.json"));

        Assert.NotEmpty(dashboard.RootElement.GetProperty("panels").EnumerateArray());
    }

    [Fact]
    public void Azure_has_the_same_rules() => Assert.Equal(AlertNames("ops/alerts/prometheus.yaml"), AlertNames("ops/alerts/azure.yaml").Except(s_azureOnly));

    [Fact]
    public void Azure_takes_the_windows()
    {
        // Windows are in ISO 8601, and no query may look back further than its window:
        // https://learn.microsoft.com/azure/templates/microsoft.insights/scheduledqueryrules
        object rules = Assert.Single(Yaml.Documents("ops/alerts/azure.yaml"));
        foreach (object rule in rules.List("rules"))
        {
            TimeSpan window = System.Xml.XmlConvert.ToTimeSpan(rule.Text("window")!);
            Assert.All(Ago().Matches(rule.Text("query")!), ago =>
                Assert.Equal(window, System.Xml.XmlConvert.ToTimeSpan($"PT{ago.Groups[1].Value.ToUpperInvariant()}")));
            Assert.InRange(int.Parse(rule.Text("severity")!, System.Globalization.CultureInfo.InvariantCulture), 0, 4);
        }
    }

    [Fact]
    public void Every_rule_of_Prometheus_is_tried_firing_and_silent()
    {
        string tests = Read("ops/alerts/prometheus.test.yaml");
        Assert.All(AlertNames("ops/alerts/prometheus.yaml"), rule =>
        {
            Assert.Contains($"alertname: {rule}\n        exp_alerts:\n", tests, StringComparison.Ordinal);
            Assert.Contains($"alertname: {rule}\n        exp_alerts: []\n", tests, StringComparison.Ordinal);
        });
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Every_rule_has_an_entry_that_says_what_to_do(string rule)
    {
        string runbook = Read("docs/operations.md");
        string entry = Regex.Match(runbook, $@"^### {rule}\r?\n(.*?)(?=^##|\z)", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value;

        Assert.Contains("**Means**", entry, StringComparison.Ordinal);
        Assert.Contains("**Look at**", entry, StringComparison.Ordinal);
        Assert.Contains("**Do**", entry, StringComparison.Ordinal);
        Assert.Matches(@"\*\*Command\*\* .*`", entry);
        string rules = rule == FreeAmount ? "infra/app/alerts.bicep" : "ops/alerts/azure.yaml";
        Assert.Contains($"docs/operations.md#{rule.ToLowerInvariant()}", Read(rules), StringComparison.Ordinal);
        if (rule != FreeAmount && !s_azureOnly.Contains(rule))
        {
            Assert.Contains($"docs/operations.md#{rule.ToLowerInvariant()}", Read("ops/alerts/prometheus.yaml"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_runbooks_commands_are_commands_of_the_program()
    {
        using var cli = new CliHarness();
        string[] commands = [.. RunbookCommand().Matches(Read("docs/operations.md")).Select(match => match.Groups[1].Value.Trim()).Distinct()];

        Assert.True(commands.Length > 10);
        foreach (string command in commands)
        {
            Assert.True(await IsCommandAsync(cli, command), command);
        }

        Assert.False(await IsCommandAsync(cli, "poison listen"));
        Assert.False(await IsCommandAsync(cli, "queue status --wacht"));
    }

    /// <summary>Asks for the command's help, which runs nothing. For a misspelt command the help is its group's, which contains "[command]".</summary>
    private static async Task<bool> IsCommandAsync(CliHarness cli, string command)
    {
        string[] words = command.Replace(" ID", " 1", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        CliResult help = await cli.RunAsync([.. words, "--help"]);
        return help.Output.Contains($" {words[0]} ", StringComparison.Ordinal)
            && !help.Output.Contains("[command]", StringComparison.Ordinal)
            && words.Where(word => word.StartsWith("--", StringComparison.Ordinal)).All(option => help.Output.Contains(option, StringComparison.Ordinal));
    }

    private static async Task<List<Instrument>> InstrumentsAsync()
    {
        using var system = new ScoringHarness();
        var instruments = new List<Instrument>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter == system.Telemetry.Meter)
            {
                instruments.Add(instrument);
            }
        };
        listener.Start();
        await new QueueGauges(system.Queues, system.Telemetry, system.Time).StartAsync(TestContext.Current.CancellationToken);
        system.Telemetry.ObserveBytesInFlight(() => 0);
        return instruments;
    }

    // The rules for these names: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    private static IEnumerable<string> PrometheusNames(Instrument instrument)
    {
        string name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
        return instrument.GetType().Name switch
        {
            "Counter`1" => [$"{name}_total"],
            "Histogram`1" => Series(name),
            _ => [name],
        };
    }

    private static string[] Series(string histogram) => [$"{histogram}_bucket", $"{histogram}_sum", $"{histogram}_count"];

    private static string[] AlertNames(string file) => [.. AlertLine().Matches(Read(file)).Select(match => match.Groups[1].Value)];

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));

    [GeneratedRegex(@"\b(?:finance_ingest|messaging|db|http)_[a-z_]+")]
    private static partial Regex PrometheusName();

    [GeneratedRegex(@"Name == ""([a-z_.]+)""")]
    private static partial Regex AzureName();

    [GeneratedRegex(@"(?:`|^)FI ([^`#\n]+)", RegexOptions.Multiline)]
    private static partial Regex RunbookCommand();

    [GeneratedRegex(@"\bago\((\w+)\)")]
    private static partial Regex Ago();

    [GeneratedRegex(@"^\s*- alert: (\w+)\r?$", RegexOptions.Multiline)]
    private static partial Regex AlertLine();
}
