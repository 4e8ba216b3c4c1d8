using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Results;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Storage;

namespace FinanceIngest.Tests.Cli;

/// <summary>An embedded installation is written to one file and put back from it; a file that is not as it was written changes nothing.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly CliHarness _cli = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Backup => _cli.PathOf("b.tar");

    [Fact]
    public async Task What_was_backed_up_is_there_again_with_its_key_and_its_messages()
    {
        await MakeAsync();
        string key = await File.ReadAllTextAsync(_cli.PathOf("data/id-signing.key"), Token);
        CliResult written = await _cli.RunAsync("backup", Backup, "--json");
        Directory.Delete(_cli.PathOf("data"), recursive: true);

        CliResult restored = await _cli.RunAsync("restore", Backup, "--json");

        Assert.Equal((0, 0), (written.ExitCode, restored.ExitCode));
        Assert.Equal(key, await File.ReadAllTextAsync(_cli.PathOf("data/id-signing.key"), Token));
        Assert.Equal(2, (await StatusAsync()).GetProperty("inbound").Number("length"));
        CliResult stats = await _cli.RunAsync("stats", "export", _cli.PathOf("s.csv"), "--json");
        Assert.Equal(1, stats.Json.Number("exported"));
    }

    // A message leaves a queue after what became of it is durable elsewhere, so each file is copied before the place to which it leads.
    [Fact]
    public async Task The_inbound_queue_is_copied_before_the_database_and_the_alert_queue_after_it()
    {
        await MakeAsync();

        JsonElement written = (await _cli.RunAsync("backup", Backup, "--json")).Json;

        Assert.Equal(
            ["queue-transactions-inbound-poison.db", "queue-transactions-inbound.db", "finance-ingest.db", "queue-anomaly-alerts.db", "id-signing.key"],
            written.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task A_file_is_not_replaced_unless_that_is_asked_for()
    {
        await MakeAsync();
        _cli.Write("b.tar", "somebody's file");

        CliResult refused = await _cli.RunAsync("backup", Backup);

        Assert.Equal(1, refused.ExitCode);
        Assert.Equal("somebody's file", await File.ReadAllTextAsync(Backup, Token));
        Assert.Equal(0, (await _cli.RunAsync("backup", Backup, "--overwrite")).ExitCode);
        Assert.Equal(0, (await _cli.RunAsync("restore", Backup, "--yes")).ExitCode);
    }

    [Fact]
    public async Task An_installation_is_not_replaced_without_asking()
    {
        await MakeAsync();
        await _cli.RunAsync("backup", Backup);
        await SendAsync("transactions-inbound");

        CliResult refused = await _cli.RunAsync("restore", Backup);

        Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("--yes", refused.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await StatusAsync()).GetProperty("inbound").Number("length"));
        Assert.Equal(0, (await _cli.RunAsync("restore", Backup, "--yes")).ExitCode);
        Assert.Equal(2, (await StatusAsync()).GetProperty("inbound").Number("length"));
    }

    [Theory]
    [InlineData("database")]
    [InlineData("queue")]
    public async Task Beside_a_running_program_nothing_is_restored(string open)
    {
        await MakeAsync();
        await _cli.RunAsync("backup", Backup);
        await SendAsync("transactions-inbound");
        using var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database"));
        using EmbeddedQueue queue = Queue("transactions-inbound");
        await (open == "database" ? database.OpenAsync(Token) : queue.EnsureExistsAsync(Token));

        CliResult refused = await _cli.RunAsync("restore", Backup, "--yes");

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("A program is running", refused.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await queue.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task A_backup_in_which_any_byte_is_another_is_refused()
    {
        await MakeAsync();
        await _cli.RunAsync("backup", Backup);
        byte[] good = await File.ReadAllBytesAsync(Backup, Token);
        Directory.Delete(_cli.PathOf("data"), recursive: true);

        // Every 997th byte meets each part of the file: headers, contents, paddings, the digest and the end.
        foreach (int at in Enumerable.Range(0, good.Length / 997).Select(i => i * 997).Concat(Enumerable.Range(good.Length - 2600, 130).Select(i => i + 1)))
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x20;
            await AssertRefusedAsync(bad, $"byte {at}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(512)]
    [InlineData(5_000)]
    [InlineData(-1)]
    [InlineData(-1024)]
    [InlineData(-1536)]
    [InlineData(-40_000)]
    public async Task A_backup_that_is_cut_short_is_refused(int length)
    {
        await MakeAsync();
        await _cli.RunAsync("backup", Backup);
        byte[] good = await File.ReadAllBytesAsync(Backup, Token);
        Directory.Delete(_cli.PathOf("data"), recursive: true);

        await AssertRefusedAsync(good[..(length < 0 ? good.Length + length : length)], $"{length}");
        await AssertRefusedAsync([.. good, .. new byte[512]], "longer");
    }

    [Theory]
    [InlineData("")]
    [InlineData("manifest.json")]
    [InlineData("some text that is longer than nothing, but no archive of any kind")]
    public async Task A_foreign_file_is_refused(string text) => await AssertRefusedAsync(System.Text.Encoding.UTF8.GetBytes(text), text);

    [Fact]
    public async Task Every_cursor_of_the_feed_from_before_is_refused_afterwards()
    {
        using (var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database")))
        {
            var scoring = new SqliteScoringStore(database, _cli.Time);
            for (int i = 0; i < 3; i++)
            {
                await scoring.WriteAsync(Sample.Batch(Sample.Scored()), Token);
            }
        }

        await _cli.RunAsync("backup", Backup);
        FeedCursor old = await ReadFeedAsync(default, expected: 3);
        await _cli.RunAsync("restore", Backup, "--yes");

        Assert.Null(await TryReadFeedAsync(old));
        FeedCursor next = await ReadFeedAsync(default, expected: 3);
        await ReadFeedAsync(next, expected: 0);
        await _cli.RunAsync("restore", Backup, "--yes");
        Assert.Null(await TryReadFeedAsync(next));
    }

    [Fact]
    public async Task An_interrupted_restore_keeps_every_program_from_starting_until_it_is_run_again()
    {
        await MakeAsync();
        await _cli.RunAsync("backup", Backup);
        _cli.Write("data/restore.incomplete", "");

        CliResult reading = await _cli.RunAsync("poison", "list");
        CliResult writing = await _cli.RunAsync("migrate");
        CliResult again = await _cli.RunAsync("restore", Backup, "--yes");

        Assert.All([reading, writing], result => Assert.Contains("restore into this directory was interrupted", result.Error, StringComparison.Ordinal));
        Assert.Equal((1, 1, 0), (reading.ExitCode, writing.ExitCode, again.ExitCode));
        Assert.Equal(0, (await _cli.RunAsync("poison", "list")).ExitCode);
    }

    [Fact]
    public async Task A_database_that_can_not_be_opened_is_replaced_and_kept_aside()
    {
        await MakeAsync();
        await _cli.RunAsync("backup", Backup);
        _cli.Write("data/finance-ingest.db", "this is no database, it is a text that is long enough to be read as a header of one");

        Assert.Equal(0, (await _cli.RunAsync("restore", Backup, "--yes")).ExitCode);

        Assert.Equal(0, (await _cli.RunAsync("poison", "list")).ExitCode);
        Assert.StartsWith("this is no database", await File.ReadAllTextAsync(_cli.PathOf("data/finance-ingest.db.damaged"), Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_of_a_queue_that_the_backup_does_not_know_are_of_another_history()
    {
        await MakeAsync();
        await _cli.RunAsync("backup", Backup);
        await SendAsync("another-queue");

        await _cli.RunAsync("restore", Backup, "--yes");

        using EmbeddedQueue other = Queue("another-queue");
        Assert.Equal(0, (await other.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task Where_the_key_is_lost_the_backup_alone_is_not_enough()
    {
        await MakeAsync();
        using (var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database")))
        {
            await new SqliteInstallationStore(database).ReadOrAddAsync("signing-key-fingerprint", "0123456789abcdef", Token);
        }

        await _cli.RunAsync("backup", Backup);
        Directory.Delete(_cli.PathOf("data"), recursive: true);
        CliResult refused = await _cli.RunAsync("restore", Backup);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("signing key", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.PathOf("data")));
    }

    public void Dispose() => _cli.Dispose();

    private async Task AssertRefusedAsync(byte[] file, string what)
    {
        await File.WriteAllBytesAsync(Backup, file, Token);
        CliResult refused = await _cli.RunAsync("restore", Backup, "--yes");

        Assert.True((refused.ExitCode, refused.Output) == (1, ""), $"{what}: {refused.ExitCode} {refused.Output} {refused.Error}");
        Assert.Contains("b.tar", Assert.Single(refused.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.PathOf("data")), what);
    }

    private async Task<JsonElement> StatusAsync() => (await _cli.RunAsync("queue", "status", "--json")).Json;

    private EmbeddedQueue Queue(string name) => new(_cli.PathOf("data"), name, _cli.Time, new DependencyStatus(name));

    private async Task SendAsync(string name)
    {
        using EmbeddedQueue queue = Queue(name);
        await queue.SendAsync("{}", TimeSpan.Zero, Token);
    }

    private async Task MakeAsync()
    {
        await _cli.RunAsync("stats", "import", _cli.Write("a.csv", "user_id,category_id,mean,std_dev,sample_count\n399,2310,2000,500,40\n"));
        foreach (string name in new[] { "transactions-inbound-poison", "transactions-inbound", "transactions-inbound", "anomaly-alerts" })
        {
            await SendAsync(name);
        }

        if (!File.Exists(_cli.PathOf("data/id-signing.key")))
        {
            SigningKeyFile.ReadOrCreate(_cli.PathOf("data"));
        }
    }

    private async Task<FeedPage?> TryReadFeedAsync(FeedCursor after)
    {
        using var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database"));
        return await new SqliteResultsStore(database).ReadFeedAsync(after, 100, Token);
    }

    private async Task<FeedCursor> ReadFeedAsync(FeedCursor after, int expected)
    {
        FeedPage? page = await TryReadFeedAsync(after);
        Assert.Equal(expected, page?.Results.Count);
        return page!.Next;
    }
}
