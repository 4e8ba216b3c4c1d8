using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Bench.Storage;

/// <summary>A data directory with a database and baselines, on which programs can run.</summary>
internal sealed class Installation : IDisposable
{
    private const string SigningKey = "the signing key of all benchmarks";
    private static readonly string[] s_baselineParameters = ["@user_id", "@category_id", "@mean", "@std_dev"];
    private readonly SqliteConnection _connection;

    private Installation(string folder)
    {
        Folder = folder;
        DatabasePath = Path.Combine(folder, SqliteDatabase.FileName);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = DatabasePath, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA busy_timeout = 10000");
    }

    /// <summary>Certifies ids for every installation.</summary>
    public static IdCertifier Ids { get; } = new(SigningKey, TimeProvider.System);

    public string Folder { get; }

    public string DatabasePath { get; }

    /// <summary>The settings of every program that runs on the installation.</summary>
    public (string Name, string Value)[] Environment =>
        [("FinanceIngest__DataDirectory", Folder), ("FinanceIngest__IdSigningKey", SigningKey), ("FinanceIngest__Polling__MaximumSeconds", "0.1")];

    /// <summary>Makes the database as the service does, and adds baselines.</summary>
    public static async Task<Installation> CreateAsync(BenchFolder folder, string name, int baselines, CancellationToken cancellationToken)
    {
        string path = folder.NewFolder(name);
        using (var database = new SqliteDatabase(path, TimeProvider.System, new DependencyStatus("database")))
        {
            await database.OpenAsync(cancellationToken);
        }

        var installation = new Installation(path);
        installation.AddBaselines(baselines);
        return installation;
    }

    /// <summary>Opens the embedded inbound queue, also while a program drains it.</summary>
    public EmbeddedQueue OpenInboundQueue() => new(Folder, "transactions-inbound", TimeProvider.System, new DependencyStatus("queue"));

    /// <summary>Returns the number of rows that were ever written, by a query that does not disturb writers.</summary>
    public long RowsWritten() => Scalar("SELECT coalesce(max(id), 0) FROM anomaly_transactions");

    /// <summary>Returns the number of batches that were ever written.</summary>
    public long BatchesWritten() => Scalar("SELECT count(*) FROM feed_batches");

    /// <summary>Waits until the database has a number of rows.</summary>
    public async Task UntilScoredAsync(long rows, ChildProcess program, CancellationToken cancellationToken)
    {
        while (RowsWritten() < rows)
        {
            program.ThrowIfEnded();
            await Task.Delay(5, cancellationToken);
        }
    }

    /// <summary>Adds old rows in ascending order of their ids, which are time-ordered, or spread over the whole range as hashes are.</summary>
    public void AddOldRows(int count, bool keyed)
    {
        Execute("PRAGMA synchronous = OFF");
        string prefix = keyed
            ? FormattableString.Invariant($"printf('%08x%04x', i * {(double)uint.MaxValue / count:R}, abs(random()) % 65536)")
            : "printf('%08x%04x', (1760000000000 + i / 100) >> 16, (1760000000000 + i / 100) & 65535)";
        Execute(FormattableString.Invariant(
            $"""
            WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})
            INSERT INTO anomaly_transactions (transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason, mean, std_dev, sample_count,
                occurred_at, accepted_at, created_at)
            SELECT unhex({prefix} || printf('8%03x8%03x%012x', abs(random()) % 4096, abs(random()) % 4096, abs(random()) % 281474976710656)),
                1 + i % 1000, 1 + i % 10, 1000000 + i % 100000, 0.5, i % 100 = 0, 'scored', 'scored', 100.0, 10.0, 50,
                1760011200000000, 1760011200000000, 1760011200000000
            FROM numbers
            """));
        Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        Execute("PRAGMA synchronous = FULL");
    }

    /// <summary>Removes the rows that a round has added to a number of rows. No other process may use the database at the time.</summary>
    public void RemoveRowsAfter(int rows)
    {
        Execute(FormattableString.Invariant($"DELETE FROM anomaly_transactions WHERE id > {rows}"));
        Execute("DELETE FROM feed_batches");
        Execute("DELETE FROM alert_outbox");
        Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// <summary>Checks the number of rows, because a run that loses rows must not count.</summary>
    public void RequireRows(long rows)
    {
        long found = Scalar("SELECT count(*) FROM anomaly_transactions WHERE status = 'scored'");
        if (found != rows)
        {
            throw new UnreachableException($"{found} rows are scored, not {rows}.");
        }
    }

    public void Dispose() => _connection.Dispose();

    private void AddBaselines(int count)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        using SqliteCommand insert = _connection.CreateCommand();
        insert.CommandText =
            """
            INSERT INTO anomaly_stats (user_id, category_id, mean, std_dev, sample_count, created_at)
            VALUES (@user_id, @category_id, @mean, @std_dev, 50, 1767225600000000)
            """;
        SqliteParameter[] parameters = [.. s_baselineParameters.Select(name => insert.Parameters.AddWithValue(name, 0))];
        for (int number = 0; number < count; number++)
        {
            (long userId, long categoryId, double mean, double stdDev) = TransactionSource.Baseline(number);
            parameters[0].Value = userId;
            parameters[1].Value = categoryId;
            parameters[2].Value = mean;
            parameters[3].Value = stdDev;
            insert.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    private long Scalar(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private void Execute(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
