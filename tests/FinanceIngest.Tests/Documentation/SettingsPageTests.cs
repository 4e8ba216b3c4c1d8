using System.Globalization;
using System.Text.RegularExpressions;
using FinanceIngest.Configuration;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Tests.Documentation;

/// <summary>Compares the table of settings in docs/configuration.md with the reader of the settings.</summary>
public sealed partial class SettingsPageTests
{
    // These settings have names outside the section "FinanceIngest".
    private static readonly string[] s_standard =
    [
        "SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_QUEUE_SERVICE_URI", "OTEL_EXPORTER_OTLP_ENDPOINT",
        "APPLICATIONINSIGHTS_CONNECTION_STRING", "ASPNETCORE_URLS",
    ];

    private static readonly Dictionary<string, string> s_rows = MarkdownPage.Read("docs/configuration.md").Rows("| setting | meaning | unset |")
        .ToDictionary(cells => Span().Match(cells[0]).Groups[1].Value, cells => cells[2]);

    [Fact]
    public void Every_setting_is_on_the_page_and_nothing_else_is()
    {
        // The reader's message about an unknown setting lists every setting that exists.
        SettingsException refusal = Assert.Throws<SettingsException>(() => Read(("FinanceIngest:NoSuchSetting", "1")));
        string[] own = [.. OwnName().Matches(refusal.Message).Select(match => match.Value).Where(name => name != "FinanceIngest__NoSuchSetting").Distinct()];

        Assert.True(own.Length > 10, refusal.Message);
        Assert.Equal([.. own.Append("FinanceIngest__ApiKeys__NAME__Scopes").Concat(s_standard).Order()], s_rows.Keys.Order());
    }

    [Fact]
    public void Defaults_are_those_of_the_reader()
    {
        Settings unset = Read();
        Settings withKey = Read(("FinanceIngest:ApiKeys:django:Secret", "0123456789abcdef"));

        Assert.Equal(Roles.Intake | Roles.Scorer | Roles.Dispatcher, unset.Roles);
        Assert.Equal("all four; ScoringWorker: `scorer,dispatcher`", s_rows["FinanceIngest__Roles"]);
        Assert.Equal(Path.GetFullPath("data"), unset.DataDirectory);
        Assert.Equal("`./data`", s_rows["FinanceIngest__DataDirectory"]);
        Assert.Equal($"`{unset.InboundQueue}`", s_rows["FinanceIngest__InboundQueue"]);
        Assert.Equal($"`{unset.AlertQueue}`", s_rows["FinanceIngest__AlertQueue"]);
        Assert.Equal($"`{Text(unset.Threshold)}`", s_rows["FinanceIngest__Scoring__Threshold"]);
        Assert.Equal($"`{Text(unset.MinimumSamples)}`", s_rows["FinanceIngest__Scoring__MinimumSamples"]);
        Settings withSqlServer = Read(("SQL_CONNECTION_STRING", "Server=s;Database=d;User ID=u;Password=p"), ("FinanceIngest:IdSigningKey", "0123456789"));
        Assert.Equal(
            $"`{Text(unset.BatchesInHand)}`; with SQL Server `{Text(withSqlServer.BatchesInHand)}`", s_rows["FinanceIngest__Scoring__BatchesInHand"]);
        Assert.Equal($"`{unset.Detector}`", s_rows["FinanceIngest__Detection__Detector"]);
        Assert.Empty(unset.Shadow);
        Assert.Equal("none", s_rows["FinanceIngest__Detection__Shadow"]);
        Assert.Equal($"`{Text(unset.AlertsPerUserMonth)}`", s_rows["FinanceIngest__Detection__AlertsPerUserMonth"]);
        Assert.Equal($"`{unset.Language}`", s_rows["FinanceIngest__Detection__Language"]);
        Assert.Equal("", unset.Currency);
        Assert.Equal("nothing", s_rows["FinanceIngest__Detection__Currency"]);
        Assert.Equal($"`{Text(unset.MaximumConnections)}`", s_rows["FinanceIngest__Intake__MaximumConnections"]);
        Assert.Equal($"`{Text(unset.MaximumPollInterval.TotalSeconds)}`", s_rows["FinanceIngest__Polling__MaximumSeconds"]);
        Assert.Equal(Scopes.Submit | Scopes.Read, withKey.ApiKeys[0].Scopes);
        Assert.Equal("`submit,read`", s_rows["FinanceIngest__ApiKeys__NAME__Scopes"]);
        Assert.Equal($"`{Text(unset.OlderRouteWaitSeconds)}`", s_rows["FinanceIngest__OlderRoute__WaitSeconds"]);
        Assert.Null(unset.PublicUrl);
        Assert.Null(unset.RateLimitPerMinute);
        Assert.Equal("no limit", s_rows["FinanceIngest__RateLimit__PerMinute"]);
        Assert.Null(unset.RetentionDays);
        Assert.Equal("nothing is purged", s_rows["FinanceIngest__Retention__Days"]);
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static Settings Read(params (string Name, string Value)[] values)
    {
        IEnumerable<KeyValuePair<string, string?>> pairs = values.Select(value => KeyValuePair.Create(value.Name, (string?)value.Value));
        return SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(pairs).Build(), ProgramKind.IngestServer);
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"FinanceIngest__\w+")]
    private static partial Regex OwnName();
}
