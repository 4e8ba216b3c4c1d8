using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Storage.Sqlite;

namespace FinanceIngest.Tests.Cli;

/// <summary>Every command runs on an empty installation, returns its documented exit code, and reports a failure on one line.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly CliHarness _cli = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Required command")]
    [InlineData("'nonsense'", "nonsense")]
    [InlineData("'nonsense'", "poison", "nonsense")]
    [InlineData("'--nonsense'", "migrate", "--nonsense")]
    [InlineData("Required argument", "poison", "show")]
    [InlineData("Required argument", "poison", "drop", "--yes")]
    [InlineData("'more'", "submit", "a.csv", "more")]
    [InlineData("must end in", "submit", "a.txt")]
    [InlineData("must end in", "stats", "import", "a.txt")]
    [InlineData("must end in", "stats", "export", "a.txt")]
    [InlineData("--batch-size", "submit", "a.csv", "--batch-size", "10001")]
    [InlineData("--batch-size", "submit", "a.csv", "--batch-size", "many")]
    [InlineData("--idempotency-prefix", "submit", "a.csv", "--idempotency-prefix", "")]
    [InlineData("not an http address", "submit", "a.csv", "--url", "ftp://x")]
    [InlineData("characters that are not allowed in a key", "submit", "a.csv", "--key", "a\nb")]
    [InlineData("--yes", "poison", "drop", "id")]
    [InlineData("--yes", "user", "erase", "399")]
    [InlineData("whole number from 1", "user", "erase", "0", "--yes")]
    [InlineData("whole number from 1", "user", "erase", "somebody", "--yes")]
    [InlineData("whole number from 1", "user", "erase", "9223372036854775808", "--yes")]
    [InlineData("--yes", "purge", "--older-than-days", "30")]
    [InlineData("from 1 to 36500", "purge", "--older-than-days", "all", "--yes")]
    [InlineData("from 1 to 36500", "purge", "--older-than-days", "0", "--yes")]
    [InlineData("FinanceIngest__Retention__Days", "purge")]
    [InlineData("--watch", "queue", "status", "--watch", "--json")]
    [InlineData("Must be one of", "queue", "peek", "nonsense")]
    [InlineData("Must be one of", "queue", "clear", "inbound")]
    [InlineData("--yes", "queue", "clear", "alerts")]
    [InlineData("from 1 to 100000", "anomalies", "--limit", "0")]
    [InlineData("from 1 to 9223372036854775807", "anomalies", "--user", "somebody")]
    [InlineData("--from must be a date", "anomalies", "--from", "yesterday")]
    [InlineData("--to must be a date", "anomalies", "--to", "2026-02-30")]
    [InlineData("from 1 to 100000", "conflicts", "--limit", "100001")]
    [InlineData("Required argument", "get")]
    [InlineData("Required argument", "backup")]
    [InlineData("Required argument", "restore")]
    public async Task Wrong_use_is_one_line_and_exit_code_2(string problem, params string[] arguments)
    {
        CliResult result = await _cli.RunAsync(arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Equal(arguments.Contains("--json"), result.Output.Length > 0);
        Assert.Contains(problem, result.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("There is no poison message id", "poison", "show", "id")]
    [InlineData("There is no poison message id", "poison", "redrive", "id")]
    [InlineData("There is no poison message id", "poison", "drop", "id", "--yes")]
    [InlineData("never issued that id", "get", "id")]
    [InlineData("never issued that id", "get", "01980000-0000-8000-8000-000000000000")]
    [InlineData("can't be read", "restore", "missing.tar", "--yes")]
    [InlineData("can't be read", "submit", "missing.csv")]
    [InlineData("can't be read", "stats", "import", "missing.csv")]
    [InlineData("can't be written", "stats", "export", "missing/a.csv")]
    public async Task A_failure_is_one_line_and_exit_code_1(string problem, params string[] arguments)
    {
        await _cli.RunAsync("migrate");

        CliResult result = await _cli.RunAsync(arguments);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(problem, result.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "nonsense")]
    [InlineData(2, "submit")]
    [InlineData(2, "submit", "a.txt")]
    [InlineData(2, "submit", "a.csv", "--batch-size", "many")]
    [InlineData(2, "submit", "a.csv", "--date-format", "%q")]
    [InlineData(2, "submit", "a.csv", "--time-zone", "Mars/Olympus")]
    [InlineData(2, "submit", "a.ndjson", "--accounting")]
    [InlineData(2, "stats", "import", "a.json", "--decimal-comma")]
    [InlineData(2, "poison", "drop", "id")]
    [InlineData(2, "user", "erase", "somebody", "--yes")]
    [InlineData(2, "purge")]
    [InlineData(1, "submit", "missing.csv")]
    [InlineData(1, "stats", "import", "missing.csv")]
    [InlineData(1, "stats", "export", "missing/a.csv")]
    [InlineData(1, "poison", "show", "id")]
    public async Task With_json_a_run_that_fails_as_a_whole_has_its_problem_as_the_one_value(int exitCode, params string[] arguments)
    {
        CliResult result = await _cli.RunAsync([.. arguments, "--json"]);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(result.Error.TrimEnd().Split('\n')[^1], result.Json.GetProperty("problem").GetString());
    }

    [Fact]
    public async Task Storage_that_cannot_be_used_is_one_line_without_a_stack_trace()
    {
        _cli.Write("data/finance-ingest.db", "this is no database, it is a text that is long enough to be read as a header of one");

        CliResult result = await _cli.RunAsync("poison", "list", "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("database", Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(result.Error.TrimEnd(), result.Json.GetProperty("problem").GetString());
    }

    [Fact]
    public async Task On_a_fresh_data_directory_everything_is_empty()
    {
        Directory.CreateDirectory(_cli.PathOf("data"));
        Assert.Equal(
            """{"inbound":{"length":0,"transactions":0,"oldest_seconds":0},"poison":0,"unsent_alerts":0,"last_batch":null}""",
            (await _cli.RunAsync("queue", "status", "--json")).Output.TrimEnd());
        Assert.Equal("[]", (await _cli.RunAsync("poison", "list", "--json")).Output.TrimEnd());
        Assert.Equal("[]", (await _cli.RunAsync("queue", "peek", "alerts", "--json")).Output.TrimEnd());
        Assert.Equal("[]", (await _cli.RunAsync("anomalies", "--json")).Output.TrimEnd());
        Assert.Equal("[]", (await _cli.RunAsync("conflicts", "--json")).Output.TrimEnd());
        Assert.Equal("No poison messages.", (await _cli.RunAsync("poison", "list")).Output.TrimEnd());
    }

    [Fact]
    public async Task Migrate_says_what_it_did_and_then_that_there_is_nothing_to_do()
    {
        JsonElement first = (await _cli.RunAsync("migrate", "--json")).Json;
        Assert.Equal(0, first.Number("version_before"));
        string last = first.GetProperty("applied").EnumerateArray().Last().GetString()!;
        Assert.StartsWith($"{first.Number("version_after"):0000}_", last, StringComparison.Ordinal);

        JsonElement second = (await _cli.RunAsync("migrate", "--json")).Json;
        Assert.Equal(first.Number("version_after"), second.Number("version_before"));
        Assert.Empty(second.GetProperty("applied").EnumerateArray());
        Assert.Contains("already", (await _cli.RunAsync("migrate")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stats_import_takes_good_rows_refuses_bad_ones_by_line_and_export_gives_them_back()
    {
        string file = _cli.Write("a.csv", "user_id,category_id,mean,std_dev,sample_count\n399,2310,2000,500,40\n1,1,nan,1,1\n2,2,2,2,2\n");

        CliResult first = await _cli.RunAsync("stats", "import", file);
        Assert.Equal(1, first.ExitCode);
        Assert.Equal("Inserted 2 anomaly stat rows.", first.Output.Split('\n')[0].TrimEnd());
        Assert.Contains("line 3: mean", first.Output, StringComparison.Ordinal);

        string good = _cli.Write("b.csv", "user_id,category_id,mean,std_dev,sample_count\n399,2310,2001,500,40\n3,3,3,3,3\n");
        CliResult second = await _cli.RunAsync("stats", "import", good, "--json");
        Assert.Equal((0, 1, 1), (second.ExitCode, second.Json.Number("inserted"), second.Json.Number("updated")));

        CliResult export = await _cli.RunAsync("stats", "export", _cli.PathOf("out.json"), "--json");
        Assert.Equal(3, export.Json.Number("exported"));
        Assert.Contains("\"mean\": 2001", await File.ReadAllTextAsync(_cli.PathOf("out.json"), Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Queue_status_tells_length_and_age_and_peek_the_decoded_texts()
    {
        using (EmbeddedQueue queue = OpenQueue("transactions-inbound"))
        {
            await queue.SendAsync("eyJhIjoxLjEwfQ==", TimeSpan.Zero, Token);
            await queue.SendAsync("plain \u001b[31m text", TimeSpan.Zero, Token);
            await queue.SendAsync("""{"\ud800":1}""", TimeSpan.Zero, Token);
        }

        _cli.Time.Advance(TimeSpan.FromSeconds(90));

        JsonElement inbound = (await _cli.RunAsync("queue", "status", "--json")).Json.GetProperty("inbound");
        Assert.Equal(3, inbound.Number("length"));
        Assert.InRange(inbound.Number("oldest_seconds"), 90, 100);
        Assert.Equal(
            """[{"a":1.10},"plain \u001B[31m text","{\"\\ud800\":1}"]""",
            (await _cli.RunAsync("queue", "peek", "inbound", "--json")).Output.TrimEnd());
        Assert.DoesNotContain('\u001b', (await _cli.RunAsync("queue", "peek", "inbound")).Output);
    }

    [Fact]
    public async Task What_the_poison_queue_holds_beyond_the_records_is_pointed_out()
    {
        using (EmbeddedQueue queue = OpenQueue("transactions-inbound-poison"))
        {
            await queue.SendAsync("somebody's text", TimeSpan.Zero, Token);
        }

        Assert.Contains("holds 1 message more", (await _cli.RunAsync("poison", "list")).Error, StringComparison.Ordinal);
        JsonElement outcome = (await _cli.RunAsync("poison", "redrive", "--json")).Json;
        Assert.Equal(1, outcome.Number("redriven_without_record"));
        Assert.Equal(0, (await _cli.RunAsync("queue", "status", "--json")).Json.Number("poison"));
    }

    [Fact]
    public async Task A_poison_message_is_listed_shown_and_dropped()
    {
        using (var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database")))
        {
            await database.WriteAsync(
                session => session.Execute(
                    """
                    INSERT INTO poison_messages (message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at)
                    VALUES ('m1', 'a reason', 'an exception', 5, NULL, 'eyJhIjoxfQ==', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:01.000000Z')
                    """),
                Token);
        }

        JsonElement listed = Assert.Single((await _cli.RunAsync("poison", "list", "--json")).Json.EnumerateArray());
        Assert.Equal(
            ("m1", "a reason", 5),
            (listed.GetProperty("message_id").GetString(), listed.GetProperty("reason").GetString(), listed.Number("attempts")));
        JsonElement shown = (await _cli.RunAsync("poison", "show", "m1", "--json")).Json;
        Assert.Equal(("eyJhIjoxfQ==", """{"a":1}"""), (shown.GetProperty("body").GetString(), shown.GetProperty("decoded").GetString()));
        Assert.Contains("an exception", (await _cli.RunAsync("poison", "show", "m1")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await _cli.RunAsync("poison", "drop", "m1", "--yes")).ExitCode);
        Assert.Equal("[]", (await _cli.RunAsync("poison", "list", "--json")).Output.TrimEnd());
    }

    [Fact]
    public async Task A_person_is_erased_and_old_rows_are_purged()
    {
        await _cli.RunAsync("stats", "import", _cli.Write("b.csv", "user_id,category_id,mean,std_dev,sample_count\n399,2310,2000,500,40\n400,1,1,1,2\n"));
        using (EmbeddedQueue queue = OpenQueue("transactions-inbound"))
        {
            await queue.SendAsync("{}", TimeSpan.Zero, Token);
        }

        CliResult erased = await _cli.RunAsync("user", "erase", "399", "--yes", "--json");

        Assert.Equal(0, erased.ExitCode);
        JsonElement counts = erased.Json;
        Assert.Equal(
            (399, 1, 0, 0),
            (counts.Number("user_id"), counts.Number("baselines"), counts.Number("transactions"), counts.Number("inbound_messages")));
        Assert.Contains("baselines\t1", (await _cli.RunAsync("user", "erase", "400", "--yes")).Output, StringComparison.Ordinal);
        CliResult purged = await _cli.RunAsync("purge", "--older-than-days", "30", "--yes", "--json");
        Assert.Equal((0, 30, 0), (purged.ExitCode, purged.Json.Number("days"), purged.Json.Number("transactions")));
        Assert.StartsWith("2026-01-01T12:", purged.Json.GetProperty("before").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_tells_how_keys_are_made()
    {
        CliResult result = await _cli.RunAsync("submit", "--help");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("SHA-256", result.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _cli.Dispose();

    private EmbeddedQueue OpenQueue(string name) => new(_cli.PathOf("data"), name, _cli.Time, new DependencyStatus(name));
}
