using System.Data;
using Dapper;
using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Tests.Support;
using Microsoft.Data.SqlClient;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Storage;

/// <summary>Upgrades in place a database that the older system's own two statements made, with 10,000 rows in each table.</summary>
[Needs(Outside.SqlServer)]
public sealed class OlderSystemUpgradeTests
{
    private const int Rows = 10_000;

    // These are the statements in section 9 of the older system's document.
    private const string OlderTables =
        """
        CREATE TABLE anomaly_stats (
            id INT IDENTITY(1,1) PRIMARY KEY,
            user_id INT NOT NULL,
            category_id INT NOT NULL,
            mean FLOAT NOT NULL,
            std_dev FLOAT NOT NULL,
            sample_count INT NOT NULL,
            created_at DATETIME DEFAULT GETDATE()
        );
        CREATE TABLE anomaly_transactions (
            id INT IDENTITY(1,1) PRIMARY KEY,
            user_id INT NOT NULL,
            category_id INT NOT NULL,
            amount FLOAT NOT NULL,
            z_score FLOAT,
            is_anomaly BIT,
            created_at DATETIME DEFAULT GETDATE()
        );
        """;

    private static readonly DateTime s_first = new(2024, 1, 1, 9, 30, 0);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_row_is_kept_and_every_change_is_reported()
    {
        await using EmptySqlServerDatabase database = await OlderDatabaseAsync();
        OlderStats[] stats = [.. Enumerable.Range(1, Rows).Select(Stats)];
        OlderTransaction[] transactions = [.. Enumerable.Range(1, Rows).Select(Transaction)];
        await FillAsync(database, stats, transactions);

        MigrationOutcome outcome = await database.MigrateAsync(TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata"), _time);

        // Every tenth baseline is an older one of the preceding key; every hundredth amount has too many decimals; one amount is too large.
        // The report has lists, which Assert.Equal would compare as objects.
        Assert.Equivalent(
            new OlderSystemReport
            {
                Baselines = 9_000,
                BaselinesSuperseded = 1_000,
                Transactions = Rows,
                AmountsRounded = 100,
                AmountsOutOfRange = 1,
                FlagsFilledIn = 10,
                TimesFilledIn = 1,
            },
            outcome.OlderSystem,
            strict: true);
        await using SqlConnection connection = await database.ConnectAsync();
        await AssertStatsAsync(connection, stats);
        await AssertTransactionsAsync(connection, transactions);
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM sys.tables WHERE name LIKE '%_older'"));
    }

    [Fact]
    public async Task What_was_taken_over_works_like_the_rest()
    {
        await using EmptySqlServerDatabase database = await OlderDatabaseAsync();
        await FillAsync(database, [Stats(1)], [Transaction(1), Transaction(2)]);
        await database.MigrateAsync(time: _time);
        var scoring = new SqlServerScoringStore(database.Database, _time);
        var results = new SqlServerResultsStore(database.Database);
        Guid older = SqlServerFixture.Ids.ForOlderRow(2);

        Assert.True(SqlServerFixture.Ids.IsIssued(older));
        TransactionResult result = Assert.Single(await results.GetAsync([older], Token));
        Assert.Equal((2L, 2, TransactionStatus.Scored), (result.UserId, result.Amount!.Value.ToDecimal(), result.Status));

        // An upgraded row is not in the feed, but in the anomaly history. New rows get ids behind it.
        TransactionResult fresh = Sample.Scored();
        await scoring.WriteAsync(Sample.Batch(fresh), Token);
        FeedPage page = (await results.ReadFeedAsync(FeedCursor.Start, 100, Token))!;
        Assert.Equal([fresh], page.Results);
        var stats = new BaselineRow(new BaselineKey(77, 78), new Baseline(1, 1, 10));
        Assert.Equal(new UpsertCounts(Inserted: 1, Updated: 0), await new SqlServerBaselineStore(database.Database, _time).UpsertAsync([stats], Token));
        await using SqlConnection connection = await database.ConnectAsync();
        Assert.Equal([1L, 2L, 3L], await connection.QueryAsync<long>("SELECT id FROM anomaly_transactions ORDER BY id"));
        Assert.Equal([1L, 2L], await connection.QueryAsync<long>("SELECT id FROM anomaly_stats ORDER BY id"));
        Assert.Equal(SqlServerFixture.Ids.Fingerprint, await connection.ExecuteScalarAsync<string>("SELECT value FROM installation"));
        Assert.Null((await database.MigrateAsync()).OlderSystem);
    }

    [Fact]
    public async Task What_an_operator_changed_and_added_is_converted_and_put_back()
    {
        await using EmptySqlServerDatabase database = await OlderDatabaseAsync();
        await FillAsync(database, [Stats(1)], [Transaction(1), Transaction(2)]);
        await ExecuteAsync(database, "ALTER TABLE anomaly_transactions ALTER COLUMN amount DECIMAL(18, 2) NOT NULL");
        await ExecuteAsync(database, "UPDATE anomaly_transactions SET created_at = '1980-01-01' WHERE id = 2");
        await ExecuteAsync(database, "CREATE INDEX by_user ON anomaly_transactions (user_id, created_at)");
        await ExecuteAsync(database, "GRANT SELECT ON anomaly_transactions TO public");

        OlderSystemReport report = (await database.MigrateAsync(time: _time)).OlderSystem!;

        Assert.Equal((2, 0, 1), (report.Transactions, report.AmountsRounded, report.TimesAbsurd));
        Assert.Contains(report.PutBack, words => words.StartsWith("index by_user", StringComparison.Ordinal));
        Assert.Contains("GRANT SELECT ON anomaly_transactions TO public", report.PutBack);
        await using SqlConnection connection = await database.ConnectAsync();
        Assert.Equal([1.25m, 2m], await connection.QueryAsync<decimal>("SELECT amount FROM anomaly_transactions ORDER BY id"));
        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM sys.indexes WHERE name LIKE 'by_user%'"));
    }

    [Theory]
    [InlineData("anomaly_stats")]
    [InlineData("anomaly_transactions")]
    public async Task One_of_the_two_tables_is_enough(string missing)
    {
        await using EmptySqlServerDatabase database = await OlderDatabaseAsync();
        await FillAsync(database, [Stats(1)], [Transaction(1)]);
        await ExecuteAsync(database, $"DROP TABLE {missing}");

        OlderSystemReport report = (await database.MigrateAsync()).OlderSystem!;

        Assert.Equal(1, report.Baselines + report.Transactions);
    }

    [Fact]
    public async Task A_table_with_a_column_more_is_left_alone()
    {
        await using EmptySqlServerDatabase database = await OlderDatabaseAsync();
        await FillAsync(database, [Stats(1)], [Transaction(1)]);
        await ExecuteAsync(database, "ALTER TABLE anomaly_transactions ADD note NVARCHAR(20) NULL");

        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => database.MigrateAsync());

        Assert.Contains("note", e.Message, StringComparison.Ordinal);
        await using SqlConnection connection = await database.ConnectAsync();
        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("SELECT COUNT(note) + COUNT(*) FROM anomaly_transactions"));
        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM anomaly_stats"));
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM sys.tables WHERE name = 'schema_migrations'"));
    }

    private static OlderStats Stats(int i) => i % 10 == 0
        ? Stats(i - 1) with { Id = i, Mean = -1, CreatedAt = s_first.AddYears(-1) }
        : new OlderStats(i, i, 2 * i, i * 1.5, i / 3.0, i % 50, s_first.AddMinutes(i));

    private static OlderTransaction Transaction(int i) => new(
        i,
        i,
        7,
        i == 5000 ? 1e17 : i % 100 == 99 ? i + 0.00005 : i % 2 == 0 ? i : i + 0.25,
        i % 3 == 0 ? null : i % 50 / 10.0,
        i % 1000 == 0 ? null : i % 50 > 30,
        i == 77 ? null : s_first.AddMinutes(i));

    private static async Task AssertStatsAsync(SqlConnection connection, OlderStats[] before)
    {
        ILookup<bool, OlderStats> isNewest = before.ToLookup(row => row.Id % 10 != 0);
        const string columns = "id, user_id, category_id, mean, std_dev, sample_count, created_at";
        Assert.Equal(isNewest[true].Select(Upgraded), await connection.QueryAsync<NewStats>($"SELECT {columns} FROM anomaly_stats ORDER BY id"));
        Assert.Equal(isNewest[false].Select(Upgraded), await connection.QueryAsync<NewStats>($"SELECT {columns} FROM anomaly_stats_superseded ORDER BY id"));

        static NewStats Upgraded(OlderStats row) =>
            new(row.Id, row.UserId, row.CategoryId, row.Mean, row.StdDev, row.SampleCount, row.CreatedAt.AddHours(-5.5));
    }

    private async Task AssertTransactionsAsync(SqlConnection connection, OlderTransaction[] before)
    {
        NewTransaction[] after = [.. await connection.QueryAsync<NewTransaction>(
            """
            SELECT id, transaction_id, user_id, category_id, amount, amount_legacy, z_score, is_anomaly,
                   status, reason, occurred_at, accepted_at, created_at, batch_id
            FROM anomaly_transactions ORDER BY id
            """)];
        Assert.Equal(before.Length, after.Length);
        foreach ((OlderTransaction old, NewTransaction row) in before.Zip(after))
        {
            DateTime at = old.CreatedAt?.AddHours(-5.5) ?? _time.GetUtcNow().UtcDateTime;
            bool isRounded = old.Id % 100 == 99;
            Assert.Equal(
                new NewTransaction(
                    old.Id,
                    SqlServerFixture.Ids.ForOlderRow(old.Id),
                    old.UserId,
                    old.CategoryId,
                    old.Id == 5000 ? null : isRounded ? old.Id : (decimal)old.Amount,
                    old.Id == 5000 || isRounded ? old.Amount : null,
                    old.ZScore,
                    old.IsAnomaly ?? old.ZScore > 3,
                    "scored",
                    old.ZScore is null ? "no_baseline" : "scored",
                    at,
                    at,
                    at,
                    null),
                row with { amount = row.amount / 1.0000m });
        }

        Assert.Equal(after.Length, after.Select(row => row.transaction_id).Distinct().Count());
    }

    private static async Task<EmptySqlServerDatabase> OlderDatabaseAsync()
    {
        var database = new EmptySqlServerDatabase();
        await database.InitializeAsync();
        await ExecuteAsync(database, OlderTables);
        return database;
    }

    private static async Task FillAsync(EmptySqlServerDatabase database, OlderStats[] stats, OlderTransaction[] transactions)
    {
        await CopyAsync(
            database, "anomaly_stats", stats, ["id", "user_id", "category_id", "mean", "std_dev", "sample_count", "created_at"],
            row => [row.Id, row.UserId, row.CategoryId, row.Mean, row.StdDev, row.SampleCount, row.CreatedAt]);
        await CopyAsync(
            database, "anomaly_transactions", transactions, ["id", "user_id", "category_id", "amount", "z_score", "is_anomaly", "created_at"],
            row => [row.Id, row.UserId, row.CategoryId, row.Amount, row.ZScore, row.IsAnomaly, row.CreatedAt]);
    }

    private static async Task CopyAsync<T>(EmptySqlServerDatabase database, string table, T[] rows, string[] columns, Func<T, object?[]> values)
    {
        using var data = new DataTable();
        object?[][] all = [.. rows.Select(values)];
        for (int i = 0; i < columns.Length; i++)
        {
            data.Columns.Add(columns[i], all.Select(row => row[i]?.GetType()).FirstOrDefault(type => type is not null) ?? typeof(double));
        }

        foreach (object?[] row in all)
        {
            data.Rows.Add(row);
        }

        await using SqlConnection connection = await database.ConnectAsync();
        using var copy = new SqlBulkCopy(connection, SqlBulkCopyOptions.KeepIdentity | SqlBulkCopyOptions.KeepNulls, null) { DestinationTableName = table };
        foreach (string column in columns)
        {
            copy.ColumnMappings.Add(column, column);
        }

        await copy.WriteToServerAsync(data, Token);
    }

    private static async Task ExecuteAsync(EmptySqlServerDatabase database, string sql)
    {
        await using SqlConnection connection = await database.ConnectAsync();
        await connection.ExecuteAsync(sql);
    }

    private sealed record OlderStats(int Id, int UserId, int CategoryId, double Mean, double StdDev, int SampleCount, DateTime CreatedAt);

    private sealed record OlderTransaction(int Id, int UserId, int CategoryId, double Amount, double? ZScore, bool? IsAnomaly, DateTime? CreatedAt);

#pragma warning disable SA1313, IDE1006 // Dapper finds the columns by these names.
    private sealed record NewStats(long id, long user_id, long category_id, double mean, double std_dev, long sample_count, DateTime created_at);

    private sealed record NewTransaction(
        long id, Guid transaction_id, long? user_id, long? category_id, decimal? amount, double? amount_legacy, double? z_score, bool is_anomaly, string status,
        string reason, DateTime? occurred_at, DateTime? accepted_at, DateTime created_at, long? batch_id);
#pragma warning restore SA1313, IDE1006
}
