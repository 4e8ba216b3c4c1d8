using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Cli;

/// <summary>The commands that show results: <c>get</c>, <c>anomalies</c>, <c>conflicts</c>; and <c>queue clear</c>.</summary>
public sealed class ResultCommandsTests : IDisposable
{
    private readonly CliHarness _cli = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_result_is_shown_as_the_API_writes_it()
    {
        TransactionResult anomaly = Sample.Anomaly();
        await WriteAsync(anomaly);

        JsonElement json = (await _cli.RunAsync("get", anomaly.Id.ToString("D"), "--json")).Json;
        CliResult text = await _cli.RunAsync("get", anomaly.Id.ToString("D"));

        Assert.Equal("scored", json.GetProperty("status").GetString());
        Assert.Equal((6000.0, 8.0), (json.GetProperty("amount").GetDouble(), json.GetProperty("z_score").GetDouble()));
        Assert.Equal(2000.0, json.GetProperty("baseline").GetProperty("mean").GetDouble());
        Assert.Matches(@"baseline sample_count +40", text.Output);
    }

    [Fact]
    public async Task An_issued_id_without_a_row_is_pending_and_a_removed_one_purged()
    {
        TransactionResult removed = Sample.Scored();
        await WriteAsync(removed);
        var ids = new IdCertifier(SigningKeyFile.ReadOrCreate(_cli.PathOf("data")), _cli.Time);
        await _cli.RunAsync("user", "erase", "399", "--yes");

        Assert.Equal("pending", (await _cli.RunAsync("get", ids.NewId().ToString("D"), "--json")).Json.GetProperty("status").GetString());
        Assert.Equal("purged", (await _cli.RunAsync("get", removed.Id.ToString("D"), "--json")).Json.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Anomalies_are_filtered_and_paged()
    {
        TransactionResult[] anomalies =
        [
            .. Enumerable.Range(0, 5).Select(day => Sample.Anomaly() with { OccurredAt = Sample.Noon.AddDays(day), UserId = day == 4 ? 400 : 399 }),
        ];
        await WriteAsync([.. anomalies, Sample.Scored()]);

        CliResult first = await _cli.RunAsync("anomalies", "--user", "399", "--limit", "3", "--json");
        string cursor = first.Error.TrimEnd().Split(' ')[^1];
        CliResult rest = await _cli.RunAsync("anomalies", "--user", "399", "--after", cursor, "--json");
        CliResult between = await _cli.RunAsync("anomalies", "--from", "2026-01-03", "--to", "2026-01-04T12:00:00Z", "--category", "2310", "--json");
        CliResult wrong = await _cli.RunAsync("anomalies", "--after", "nonsense");

        Assert.Equal([.. anomalies[1..4].Reverse().Select(anomaly => anomaly.Id)], Ids(first));
        Assert.Equal([anomalies[0].Id], Ids(rest));
        Assert.Equal("", rest.Error);
        Assert.Equal([anomalies[1].Id], Ids(between));
        Assert.Equal(2, wrong.ExitCode);
    }

    [Fact]
    public async Task More_anomalies_than_a_page_holds_are_all_listed()
    {
        await WriteAsync([.. Enumerable.Range(0, 1_003).Select(i => Sample.Anomaly() with { OccurredAt = Sample.Noon.AddSeconds(i) })]);

        CliResult all = await _cli.RunAsync("anomalies", "--limit", "2000", "--json");

        Assert.Equal(1_003, Ids(all).Distinct().Count());
        Assert.Equal("", all.Error);
    }

    [Fact]
    public async Task Conflicts_show_amounts_as_people_read_them()
    {
        TransactionResult first = Sample.Scored() with { Amount = new Money(621_000) };
        await WriteAsync(first);
        await WriteAsync(first with { Amount = new Money(99_990_000) });

        CliResult text = await _cli.RunAsync("conflicts");
        JsonElement json = Assert.Single((await _cli.RunAsync("conflicts", "--json")).Json.EnumerateArray());

        Assert.Contains("amount 9999.00, not 62.10", text.Output, StringComparison.Ordinal);
        Assert.Equal("62.10", json.GetProperty("first").GetProperty("amount").GetRawText());
        Assert.Equal("9999.00", json.GetProperty("repeat").GetProperty("amount").GetRawText());
    }

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(200)]
    public async Task Tables_are_readable_on_terminals_of_every_width(int width)
    {
        TransactionResult anomaly = Sample.Anomaly() with { Amount = new Money(-long.MaxValue) };
        await WriteAsync(anomaly);
        await WriteAsync(anomaly with { Amount = new Money(1) });
        await PoisonAsync("0198f3a2-7c11-7def-8123-0123456789ab");
        _cli.TerminalWidth = width;

        foreach (string command in new[] { "anomalies", "conflicts", "poison list", "poison show ID", "queue status", "doctor" })
        {
            CliResult result = await _cli.RunAsync(command.Replace("ID", "0198f3a2-7c11-7def-8123-0123456789ab", StringComparison.Ordinal).Split(' '));

            Assert.DoesNotContain('…', result.Output);
            Assert.All(
                result.Output.Split('\n').Where(line => line.Contains(' ', StringComparison.Ordinal)),
                line => Assert.True(
                    TextTable.Width(line) <= width || line.Trim().Split(' ').Any(word => word.Length > width - 2), $"{command}: {line}"));
        }

        Assert.Contains("-922337203685477.5807", (await _cli.RunAsync("anomalies")).Output, StringComparison.Ordinal);
        Assert.Contains(anomaly.Id.ToString("D"), (await _cli.RunAsync("conflicts")).Output, StringComparison.Ordinal);
        Assert.Contains("0198f3a2-7c11-7def-8123-0123456789ab", (await _cli.RunAsync("poison", "list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_alert_queue_is_cleared_and_no_other()
    {
        foreach (string name in new[] { "transactions-inbound", "anomaly-alerts" })
        {
            using var queue = new EmbeddedQueue(_cli.PathOf("data"), name, _cli.Time, new DependencyStatus(name));
            for (int i = 0; i < 70; i++)
            {
                await queue.SendAsync("{}", TimeSpan.Zero, Token);
            }
        }

        await WriteAsync(Sample.Anomaly());
        CliResult cleared = await _cli.RunAsync("queue", "clear", "alerts", "--yes", "--json");

        Assert.Equal((0, 70, 0, 1), (cleared.ExitCode, cleared.Json.Number("removed"), cleared.Json.Number("left"), cleared.Json.Number("unsent_alerts")));
        Assert.Contains("to come: 1 alert.", cleared.Error, StringComparison.Ordinal);
        Assert.Equal(70, (await _cli.RunAsync("queue", "status", "--json")).Json.GetProperty("inbound").Number("length"));
        Assert.Equal("[]", (await _cli.RunAsync("queue", "peek", "alerts", "--json")).Output.TrimEnd());
    }

    public void Dispose() => _cli.Dispose();

    private static List<Guid> Ids(CliResult result) => [.. result.Json.EnumerateArray().Select(anomaly => anomaly.GetProperty("id").GetGuid())];

    private async Task WriteAsync(params TransactionResult[] results)
    {
        using var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database"));
        await new SqliteScoringStore(database, _cli.Time).WriteAsync(Sample.Batch(results), Token);
    }

    private async Task PoisonAsync(string messageId)
    {
        using var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database"));
        await new SqliteScoringStore(database, _cli.Time).WriteAsync(new ScoredBatch([], [], [Sample.Poison(messageId)]), Token);
    }
}
