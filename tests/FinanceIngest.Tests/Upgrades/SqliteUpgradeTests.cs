using FinanceIngest.Tests.Support;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Tests.Upgrades;

/// <summary>
/// Upgrades of an installation on embedded storage, where programs of both versions run on one file. Tests that need no release stand in for the later version
/// by the SQL with which it would migrate.
/// </summary>
[Needs(Outside.Program)]
public sealed class SqliteUpgradeTests : UpgradeTests
{
    private string DataDirectory => Path.Combine(Folder.Path, "data");

    [Fact]
    public async Task A_file_of_the_release_is_taken_over_with_every_row()
    {
        (ProgramProcess worker, _) = await StartAsync("ScoringWorker", old: true);
        (ProgramProcess intake, Uri address) = await StartAsync("IngestServer", old: true);
        await using var load = new Load(address);
        await Eventually.TrueAsync(() => load.Count >= 200, TestContext.Current.CancellationToken);
        await load.StopAsync();
        int[] codes = await Task.WhenAll(intake.TerminateAsync(), worker.TerminateAsync());
        Assert.All(codes, code => Assert.Equal(0, code));

        await StartAsync("ScoringWorker", old: false);
        (_, address) = await StartAsync("IngestServer", old: false);
        load.MoveTo(address);
        await Eventually.TrueAsync(async () => await load.ScoredAsync() == load.Count, TestContext.Current.CancellationToken);
        Assert.Equal(load.Acknowledged.Order(), (await load.FeedAsync()).Order());
    }

    [Fact]
    public async Task The_release_opens_a_file_of_today()
    {
        await MigrateAsync(old: false);

        (int code, _, string log) = await CommandAsync(old: true, "queue", "status");
        Assert.True(code == 0, log);
    }

    [Fact]
    public async Task Todays_programs_go_on_while_a_later_program_migrates_their_file_and_start_on_it()
    {
        await MigrateAsync(old: false);
        (ProgramProcess worker, _) = await StartAsync("ScoringWorker", old: false);
        (ProgramProcess intake, Uri address) = await StartAsync("IngestServer", old: false);
        await using var load = new Load(address);
        await ProgressAsync(load, "today's programs before the later migration");

        await MigrateLaterAsync(
            9998, generation: 1,
            "ALTER TABLE anomaly_transactions ADD COLUMN later TEXT; CREATE INDEX anomaly_transactions_later ON anomaly_transactions (later) WHERE later > ''; "
            + "CREATE TABLE later (id INTEGER PRIMARY KEY)");
        await ProgressAsync(load, "today's programs after the later migration");

        await StopAsync(worker);
        await StartAsync("ScoringWorker", old: false);
        (_, address) = await StartAsync("IngestServer", old: false);
        load.MoveTo(address);
        await StopAsync(intake);
        await ProgressAsync(load, "today's programs, started on the later schema");
        (int code, _, string log) = await CommandAsync(old: false, "migrate");
        Assert.True(code == 0, log);
        await AssertCompleteAsync(load);
    }

    [Theory]
    [InlineData("ScoringWorker")]
    [InlineData("IngestServer")]
    [InlineData("finance-ingest", "queue", "status")]
    [InlineData("finance-ingest", "migrate")]
    [InlineData("finance-ingest", "backup", "file.tar")]
    public async Task A_file_of_a_later_generation_ends_a_program_in_one_line(string name, params string[] arguments)
    {
        await MigrateAsync(old: false);
        await MigrateLaterAsync(9999, generation: 2, "DROP VIEW purged_transactions_text");

        await using ProgramProcess program = ProgramProcess.StartFile(
            ProgramProcess.PathOf(name), name == "finance-ingest" ? arguments : ["--urls", "http://127.0.0.1:0"], Folder.Path, await EnvironmentAsync());
        (int code, _) = await program.EndAsync();

        Assert.Equal(2, code);
        Assert.Contains("is of generation 2, which this program, of generation 1, can't use", Assert.Single(Lines(program.Log)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ScoringWorker")]
    [InlineData("IngestServer")]
    [InlineData("finance-ingest", "poison", "list")]
    [InlineData("finance-ingest", "purge", "--yes")]
    [InlineData("finance-ingest", "migrate")]
    [InlineData("finance-ingest", "backup", "file.tar")]
    public async Task A_file_of_a_build_before_the_first_release_ends_a_program_in_one_line(string name, params string[] arguments)
    {
        Directory.CreateDirectory(DataDirectory);
        await ExecuteAsync("CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)");

        (string, string)[] environment = [.. await EnvironmentAsync(), ("FinanceIngest__Retention__Days", "30")];
        await using ProgramProcess program = ProgramProcess.StartFile(
            ProgramProcess.PathOf(name), name == "finance-ingest" ? arguments : ["--urls", "http://127.0.0.1:0"], Folder.Path, environment);
        (int code, _) = await program.EndAsync();

        Assert.Equal(2, code);
        Assert.Contains("was made by a build before 0.1.0", Lines(program.Log)[^1], StringComparison.Ordinal);
    }

    private protected override Task<(string Name, string Value)[]> EnvironmentAsync() =>
        Task.FromResult<(string, string)[]>([("FinanceIngest__DataDirectory", DataDirectory)]);

    private static string[] Lines(string log) => log.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // What the migrate command of a later program does.
    private async Task MigrateLaterAsync(int version, int generation, string sql) => await ExecuteAsync(FormattableString.Invariant(
        $"""
        BEGIN IMMEDIATE;
        {sql};
        INSERT INTO schema_migrations (version, name, applied_at, generation)
        VALUES ({version}, '{version}_later', '2026-11-29T00:00:00.000000Z', {generation});
        COMMIT;
        """));

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(DataDirectory, "finance-ingest.db"),
            Pooling = false,
        }.ToString());
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
