using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Storage.Sqlite;

namespace FinanceIngest.Tests.Cli;

/// <summary>A command that only reads makes no file and no folder, and says where it looked.</summary>
public sealed class ReadingCommandsTests : IDisposable
{
    private readonly CliHarness _cli = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Reading =>
    [
        "queue status", "queue peek inbound", "queue peek poison", "queue peek alerts", "poison list", "poison show id", "anomalies", "conflicts",
        "get 01980000-0000-8000-8000-000000000000", "backup OUT", "stats export OUT.csv", "detectors verify", "detectors compare",
        "replay --detector zscore", "replay --detector adaptive --output OUT.csv",
    ];

    public static TheoryData<string> Changing =>
    [
        "user erase 399 --yes", "purge --older-than-days 3 --yes", "poison redrive", "poison drop id --yes", "queue clear alerts --yes",
        "detectors rebuild --yes",
    ];

    [Theory]
    [MemberData(nameof(Reading))]
    [MemberData(nameof(Changing))]
    public async Task Without_a_data_directory_it_is_one_line_and_nothing_is_made(string command)
    {
        CliResult result = await RunAsync(command);

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(_cli.PathOf("data"), Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Contains("from --data-directory", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_cli.PathOf("")));
    }

    [Theory]
    [MemberData(nameof(Reading))]
    [MemberData(nameof(Changing))]
    public async Task In_an_empty_data_directory_nothing_is_made(string command)
    {
        Directory.CreateDirectory(_cli.PathOf("data"));

        CliResult result = await RunAsync(command);

        Assert.Contains(_cli.PathOf("data"), result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unexpected", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_cli.PathOf("data")));
    }

    [Fact]
    public async Task Doctor_makes_nothing_and_finds_nothing_wrong_before_the_first_start()
    {
        CliResult missing = await RunAsync("doctor --json");
        Directory.CreateDirectory(_cli.PathOf("data"));
        CliResult empty = await RunAsync("doctor --json");

        Assert.Equal((0, 0), (missing.ExitCode, empty.ExitCode));
        Assert.True(missing.Json.GetProperty("ok").GetBoolean());
        Assert.Empty(Directory.GetFileSystemEntries(_cli.PathOf("data")));
    }

    [Theory]
    [MemberData(nameof(Reading))]
    public async Task Of_an_installation_no_byte_changes_and_no_file_is_added(string command)
    {
        await MakeAsync();
        Dictionary<string, string> before = Files();

        CliResult result = await RunAsync(command);

        Assert.DoesNotContain("Unexpected", result.Error, StringComparison.Ordinal);
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task An_older_schema_is_not_upgraded_by_reading()
    {
        await MakeAsync();
        using (var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database")))
        {
            await database.WriteAsync(session => session.Execute("DELETE FROM schema_migrations WHERE version > 1"), Token);
        }

        CliResult result = await RunAsync("poison list");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("at schema version 1, older than this program's", result.Error, StringComparison.Ordinal);
        Assert.Contains("finance-ingest migrate", result.Error, StringComparison.Ordinal);
        Assert.Contains("the first program that starts upgrades it", (await RunAsync("doctor")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_database_is_down_the_queues_are_shown_and_the_rest_is_unknown()
    {
        await MakeAsync();
        File.Delete(_cli.PathOf("data/finance-ingest.db"));
        _cli.Write("data/finance-ingest.db", "this is no database, it is a text that is long enough to be read as a header of one");

        CliResult json = await RunAsync("queue status --json");
        CliResult text = await RunAsync("queue status");

        Assert.Equal(0, json.ExitCode);
        Assert.Equal((2, 1), (json.Json.GetProperty("inbound").Number("length"), json.Json.Number("poison")));
        Assert.Equal(JsonValueKind.Null, json.Json.GetProperty("unsent_alerts").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.Json.GetProperty("last_batch").ValueKind);
        Assert.Contains("database is unavailable", json.Error, StringComparison.Ordinal);
        Assert.Contains("unsent alerts\tunknown", text.Output, StringComparison.Ordinal);
        Assert.Contains("inbound messages\t2", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_a_queue_is_down_the_rest_is_shown()
    {
        await MakeAsync();
        _cli.Write("data/queue-transactions-inbound.db", "this is no database, it is a text that is long enough to be read as a header of one");

        CliResult result = await RunAsync("queue status --json");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(JsonValueKind.Null, result.Json.GetProperty("inbound").GetProperty("length").ValueKind);
        Assert.Equal((1, 0), (result.Json.Number("poison"), result.Json.Number("unsent_alerts")));
    }

    public void Dispose() => _cli.Dispose();

    private Task<CliResult> RunAsync(string command) =>
        _cli.RunAsync([.. command.Split(' ').Select(word => word.Replace("OUT", _cli.PathOf("out"), StringComparison.Ordinal))]);

    private async Task MakeAsync()
    {
        Assert.Equal(0, (await _cli.RunAsync("migrate")).ExitCode);
        foreach ((string name, int messages) in new[] { ("transactions-inbound", 2), ("transactions-inbound-poison", 1), ("anomaly-alerts", 1) })
        {
            using var queue = new EmbeddedQueue(_cli.PathOf("data"), name, _cli.Time, new DependencyStatus(name));
            for (int i = 0; i < messages; i++)
            {
                await queue.SendAsync("{}", TimeSpan.Zero, Token);
            }
        }
    }

    private Dictionary<string, string> Files() => Directory.GetFiles(_cli.PathOf("data")).ToDictionary(
        file => Path.GetFileName(file), file => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file))));
}
