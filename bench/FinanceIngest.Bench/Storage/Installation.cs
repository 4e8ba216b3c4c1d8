using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Storage;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;
using SQLitePCL;

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

    /// <summary>Opens the database that lies in a folder.</summary>
    public static Installation Open(string folder) => new(folder);

    /// <summary>Drops an index. Nothing is durable before it ends, and no other process may use the database meanwhile.</summary>
    public void Drop(string index)
    {
        // Pages that become free are not overwritten, nor kept in a log.
        Execute("PRAGMA journal_mode = OFF");
        Execute("PRAGMA secure_delete = OFF");
        Execute($"DROP INDEX {index}");
        Execute("PRAGMA journal_mode = WAL");
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

    /// <summary>
    /// Makes an installation with old rows, or takes the one that an earlier run has left in the folder and puts it back into its first state.
    /// </summary>
    /// <param name="folder">The folder of the installation; a fill that was interrupted leaves another one, which is made anew.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="cancellationToken">Abandons the fill.</param>
    public static async Task<Installation> OpenFilledAsync(string folder, OldRows rows, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
        {
            string partial = $"{folder}.partial";
            if (Directory.Exists(partial))
            {
                Directory.Delete(partial, recursive: true);
            }

            using (var database = new SqliteDatabase(partial, TimeProvider.System, new DependencyStatus("database")))
            {
                await database.OpenAsync(cancellationToken);
            }

            rows.Fill(Path.Combine(partial, SqliteDatabase.FileName), BenchContext.Say, cancellationToken);
            Directory.Move(partial, folder);
        }

        rows.Restore(Path.Combine(folder, SqliteDatabase.FileName), BenchContext.Say, cancellationToken);
        return new Installation(folder);
    }

    /// <summary>Text that differs between databases of which the schemas differ.</summary>
    public static string SchemaFingerprint { get; } = Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes(string.Join('\n', MigrationScript.Of("Sqlite").Select(script => script.Sql))))).Substring(0, 8);

    /// <summary>
    /// Removes the rows that a round has added to old rows, and checks their number, because a round that loses rows must not count. No other process may use
    /// the database at the time.
    /// </summary>
    public void RemoveAdded(OldRows rows, long added)
    {
        long found = Scalar(FormattableString.Invariant($"SELECT count(*) FROM anomaly_transactions WHERE id > {rows.Count}"));
        if (found != added)
        {
            throw new UnreachableException($"{found} rows were added, not {added}.");
        }

        Execute(FormattableString.Invariant($"DELETE FROM anomaly_transactions WHERE id > {rows.Count}"));
        Execute(FormattableString.Invariant($"DELETE FROM feed_batches WHERE position > {rows.PositionOf(rows.Count)}"));
        Execute("DELETE FROM alert_outbox");
        Cut();
    }

    /// <summary>
    /// Suspends a program at a moment at which nobody writes to the database or the inbound queue. Suspended in the middle of a transaction, it would keep the
    /// file's lock, and whoever fills the queue would wait in vain.
    /// </summary>
    public async Task HoldAsync(ChildProcess program, CancellationToken cancellationToken)
    {
        program.Hold();
        while (!CanWrite(DatabasePath) || !CanWrite(Path.Combine(Folder, EmbeddedQueue.FileOf("transactions-inbound"))))
        {
            program.LetGo();
            program.ThrowIfEnded();
            await Task.Delay(1, cancellationToken);
            program.Hold();
        }
    }

    private static bool CanWrite(string path)
    {
        if (!File.Exists(path))
        {
            return true;
        }

        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, Mode = SqliteOpenMode.ReadWrite }.ToString());
        connection.Open();

        // The library's own commands would wait for the lock.
        return raw.sqlite3_exec(connection.Handle!, "BEGIN IMMEDIATE; ROLLBACK") switch
        {
            raw.SQLITE_OK => true,
            raw.SQLITE_BUSY => false,
            int code => throw new IOException($"{path} can't be written: SQLite's error {code.ToString(CultureInfo.InvariantCulture)}."),
        };
    }

    /// <summary>Copies the log into the database and cuts it.</summary>
    public void Cut() => Execute("PRAGMA wal_checkpoint(TRUNCATE)");

    /// <summary>The number of tombstones.</summary>
    public long Tombstones() => Scalar("SELECT count(*) FROM purged_transactions");

    /// <summary>The lowest number of a row.</summary>
    public long FirstRow() => Scalar("SELECT coalesce(min(id), 0) FROM anomaly_transactions");

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
            VALUES (@user_id, @category_id, @mean, @std_dev, 50, '2026-01-01T00:00:00.000000Z')
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
