using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Sqlite;
using FinanceIngest.Storage;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Tests.Storage;

/// <summary>Which database files a program opens, which it refuses, and how it brings one up to date.</summary>
public sealed class SqliteMigrationTests : IDisposable
{
    private const string AddColumn = "ALTER TABLE installation ADD COLUMN later INTEGER";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string DatabasePath => Path.Combine(_folder.Path, SqliteDatabase.FileName);

    [Fact]
    public void The_schema_of_the_release_is_of_the_first_generation_and_a_later_step_can_begin_another()
    {
        Assert.All(MigrationScript.Of("Sqlite"), script => Assert.Equal(1, script.Generation));
        Assert.Equal(
            [(1, 1), (2, 1), (3, 2), (10, 2)],
            MigrationScript.InOrder([("0010_d", ""), ("0003_c", "-- generation: 2\nSELECT 1"), ("0001_a", ""), ("0002_b", "-- a comment\n")])
                .Select(script => (script.Version, script.Generation)));
    }

    [Fact]
    public async Task A_migration_that_ends_between_two_steps_goes_on_behind_the_last_one_that_was_finished()
    {
        await CreateAsync();
        (string, string)[] later = [("9002_a", AddColumn), ("9003_b", "CREATE TABLE b (id INTEGER)"), ("9004_c", "CREATE TABLE c (id INTEGER)")];
        var begun = new List<string>();
        using (SqliteDatabase killed = Open(later))
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => killed.MigrateAsync(
                new MigrationOptions { Begins = step => Begin(step, failAt: 3) }, Token));
        }

        Assert.Equal(["1/3 9002_a", "2/3 9003_b", "3/3 9004_c"], begun);
        begun.Clear();
        using SqliteDatabase again = Open(later);
        MigrationOutcome outcome = await again.MigrateAsync(new MigrationOptions { Begins = step => Begin(step, failAt: 0) }, Token);

        Assert.Equal(["1/1 9004_c"], begun);
        Assert.Equal((9003, 9004, "9004_c"), (outcome.VersionBefore, outcome.VersionAfter, Assert.Single(outcome.Applied)));

        void Begin(MigrationStep step, int failAt)
        {
            begun.Add($"{step.Number}/{step.Of} {step.Name}");
            if (step.Number == failAt)
            {
                throw new InvalidOperationException("ended here");
            }
        }
    }

    [Fact]
    public async Task A_step_that_fails_leaves_nothing_of_itself()
    {
        await CreateAsync();
        using (SqliteDatabase broken = Open(("9002_a", "CREATE TABLE a (id INTEGER); CREATE TABLE a (id INTEGER)")))
        {
            await Assert.ThrowsAsync<SqliteException>(() => broken.OpenAsync(Token));
        }

        using SqliteDatabase mended = Open(("9002_a", "CREATE TABLE a (id INTEGER)"));
        Assert.Equal(["9002_a"], (await mended.OpenAsync(Token)).Applied);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_database_that_a_later_program_has_migrated_is_used(bool readsOnly)
    {
        await CreateAsync(("9002_a", AddColumn), ("9003_b", "CREATE TABLE b (id INTEGER)"));
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"), readsOnly);

        Assert.Equal(0, await database.ReadAsync(session => session.Number("SELECT count(*) FROM anomaly_transactions"), Token));
        if (!readsOnly)
        {
            MigrationOutcome outcome = await database.OpenAsync(Token);
            Assert.Equal((9003, 9003, 0), (outcome.VersionBefore, outcome.VersionAfter, outcome.Applied.Count));
            Assert.Equal("value", await new SqliteInstallationStore(database).ReadOrAddAsync("name", "value", Token));
        }

        await SqliteDatabase.CheckAsync(_folder.Path, Token);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_database_of_a_later_generation_is_refused(bool readsOnly)
    {
        await CreateAsync(("9002_a", $"-- generation: 2\n{AddColumn}"));
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"), readsOnly);

        await AssertRefusedAsync(
            "is of generation 2, which this program, of generation 1, can't use; run the newer program.",
            () => database.ReadAsync(_ => 0, Token),
            () => SqliteDatabase.CheckAsync(_folder.Path, Token));
    }

    [Fact]
    public async Task Above_a_million_rows_only_the_command_migrates()
    {
        await CreateAsync();
        await ExecuteAsync(
            "INSERT INTO anomaly_transactions (id, transaction_id, is_anomaly, status, created_at) "
            + "VALUES (1, randomblob(16), 0, 'scored', 0), (1000001, randomblob(16), 0, 'scored', 0)");
        using (SqliteDatabase program = Open(("9002_a", AddColumn)))
        {
            await AssertRefusedAsync("about 1000001 transactions; run \"finance-ingest migrate\"", () => program.OpenAsync(Token));
        }

        using SqliteDatabase command = Open(("9002_a", AddColumn));
        long rows = 0;
        await command.MigrateAsync(new MigrationOptions { Begins = step => rows = step.Transactions }, Token);
        Assert.Equal(1_000_001, rows);

        // Up to date, a database of any size is opened by every program.
        using SqliteDatabase next = Open(("9002_a", AddColumn));
        Assert.Empty((await next.OpenAsync(Token)).Applied);
    }

    [Theory]
    [InlineData("CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)", "by a build before 0.1.0")]
    [InlineData("CREATE TABLE customers (id INTEGER)", "is no database of this system")]
    public async Task A_file_without_the_mark_is_refused_by_whatever_opens_it_and_not_changed(string sql, string problem)
    {
        await ExecuteAsync($"{sql}; PRAGMA user_version = 1");
        byte[] before = await File.ReadAllBytesAsync(DatabasePath, Token);
        using var program = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
        using var command = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"), readsOnly: true);

        await AssertRefusedAsync(
            problem,
            () => program.OpenAsync(Token),
            () => program.WriteAsync(_ => 0, Token),
            () => program.MigrateAsync(new MigrationOptions(), Token),
            () => command.ReadAsync(_ => 0, Token),
            () => SqliteDatabase.CheckAsync(_folder.Path, Token),
            () => Task.Run(() => SqliteCopy.Take(DatabasePath, SqliteDatabase.Mark, Path.Combine(_folder.Path, "copy.db"), _ => 0), Token));
        Assert.Equal(before, await File.ReadAllBytesAsync(DatabasePath, Token));
    }

    [Theory]
    [InlineData("CREATE TABLE messages (seq INTEGER PRIMARY KEY, id TEXT NOT NULL)", "by a build before 0.1.0")]
    [InlineData("CREATE TABLE customers (id INTEGER)", "is no queue of this system")]
    [InlineData("CREATE TABLE messages (seq INTEGER PRIMARY KEY); PRAGMA application_id = 1179218293; PRAGMA user_version = 2", "is of generation 2")]
    public async Task A_queue_without_the_mark_is_refused_by_whatever_opens_it(string sql, string problem)
    {
        await ExecuteAsync(sql, Path.Combine(_folder.Path, EmbeddedQueue.FileOf("transactions-inbound")));
        using var program = new EmbeddedQueue(_folder.Path, "transactions-inbound", TimeProvider.System, new DependencyStatus("queue"));
        using var command = new EmbeddedQueue(_folder.Path, "transactions-inbound", TimeProvider.System, new DependencyStatus("queue"), readsOnly: true);

        await AssertRefusedAsync(
            problem,
            () => program.EnsureExistsAsync(Token),
            () => program.SendAsync("text", TimeSpan.Zero, Token),
            () => command.GetDepthAsync(Token),
            () => EmbeddedFiles.CheckAsync(new Settings { DataDirectory = _folder.Path }, TimeProvider.System, Token));
    }

    [Fact]
    public async Task A_directory_without_files_and_one_with_files_of_today_are_fine()
    {
        var settings = new Settings { DataDirectory = _folder.Path };
        await EmbeddedFiles.CheckAsync(settings, TimeProvider.System, Token);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));

        await CreateAsync();
        using (var queue = new EmbeddedQueue(_folder.Path, settings.InboundQueue, TimeProvider.System, new DependencyStatus("queue")))
        {
            await queue.SendAsync("text", TimeSpan.Zero, Token);
        }

        await EmbeddedFiles.CheckAsync(settings, TimeProvider.System, Token);
    }

    [Fact]
    public async Task The_views_show_ids_and_amounts_as_people_read_them()
    {
        await CreateAsync();
        await ExecuteAsync(
            """
            INSERT INTO anomaly_transactions (id, transaction_id, amount, is_anomaly, status, occurred_at, accepted_at, created_at)
            VALUES (1, x'0193a8c71b2c7d3e8f40a1b2c3d4e5f6', -12345, 0, 'scored', '1969-12-31T23:59:59.999999Z', '0001-01-01T00:00:00.000000Z',
                '2026-11-22T19:02:28.123456Z');
            INSERT INTO alert_outbox (alert_id, transaction_id, payload, created_at)
            VALUES (x'0193a8c71b2c7d3e8f40a1b2c3d4e5f6', x'ffffffff1b2c7d3e8f40a1b2c3d4e5f6', '{}', '2026-11-22T19:02:28.123456Z');
            """);
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));

        Assert.Equal(
            "0193a8c7-1b2c-7d3e-8f40-a1b2c3d4e5f6|-1.2345|1969-12-31T23:59:59.999999Z|0001-01-01T00:00:00.000000Z|2026-11-22T19:02:28.123456Z",
            await TextAsync(
                "SELECT transaction_id || '|' || amount || '|' || occurred_at || '|' || accepted_at || '|' || created_at FROM anomaly_transactions_money"));
        Assert.Equal(
            "ffffffff-1b2c-7d3e-8f40-a1b2c3d4e5f6|null|null",
            await TextAsync("SELECT transaction_id || '|' || coalesce(sent_at, 'null') || '|' || coalesce(owner, 'null') FROM alert_outbox_text"));

        Task<string> TextAsync(string sql) => database.ReadAsync(session => session.Single(sql, row => row.GetString(0)), Token);
    }

    [Fact]
    public async Task Every_table_with_an_id_or_an_amount_has_a_view_of_all_its_columns()
    {
        await CreateAsync();
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
        string[] shown = ["transaction_id", "alert_id", "amount", "owner"];
        (string Table, string[] Columns)[] tables = await ListAsync("table");
        (string View, string[] Columns)[] views = await ListAsync("view");
        foreach ((string table, string[] columns) in tables.Where(table => table.Table is not ("feed_batches" or "schema_migrations")
            && table.Columns.Any(column => Array.Exists(shown, end => column.EndsWith(end, StringComparison.Ordinal)))))
        {
            (_, string[] inView) = Assert.Single(views, view => view.View == $"{table}_money" || view.View == $"{table}_text");
            Assert.Empty(columns.Except(inView).Except(["id", "judgement", "contribution", "original_contribution"]));
        }

        Task<(string, string[])[]> ListAsync(string type) => database.ReadAsync(
            session => session.Query("SELECT name FROM sqlite_master WHERE type = ?1 AND name NOT LIKE 'sqlite_%'", row => row.GetString(0), type)
                .Select(name => (name, session.Query("SELECT name FROM pragma_table_info(?1)", row => row.GetString(0), name).ToArray())).ToArray(),
            Token);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task AssertRefusedAsync(string problem, params Func<Task>[] openings)
    {
        foreach (Func<Task> opening in openings)
        {
            SettingsException refusal = await Assert.ThrowsAsync<SettingsException>(opening);
            Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refusal.Message);
        }
    }

    private SqliteDatabase Open(params (string Name, string Sql)[] later) => new(
        _folder.Path, TimeProvider.System, new DependencyStatus("database"),
        scripts: MigrationScript.InOrder([.. MigrationScript.Of("Sqlite").Select(script => (script.Name, script.Sql)), .. later]));

    private async Task CreateAsync(params (string Name, string Sql)[] later)
    {
        using SqliteDatabase database = Open(later);
        await database.OpenAsync(Token);
    }

    private async Task ExecuteAsync(string sql, string? path = null)
    {
        await using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path ?? DatabasePath, Pooling = false }.ToString());
        await connection.OpenAsync(Token);
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Token);
    }
}
