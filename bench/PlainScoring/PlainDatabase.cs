using System.Globalization;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Bench.Plain;

/// <summary>
/// The service's SQLite database as a simple program would use it: the same file, tables, indexes and pragmas (WAL, synchronous=FULL), with prepared
/// statements on one connection.
/// </summary>
public sealed class PlainDatabase : IPlainStore
{
    private const string SelectBaseline =
        "SELECT mean, std_dev, sample_count FROM anomaly_stats WHERE user_id = @user_id AND category_id = @category_id";

    private const string InsertRow =
        """
        INSERT INTO anomaly_transactions (transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason,
            mean, std_dev, sample_count, occurred_at, accepted_at, created_at)
        VALUES (@transaction_id, @user_id, @category_id, @amount, @z_score, @is_anomaly, 'scored', @reason,
            @mean, @std_dev, @sample_count, @occurred_at, @accepted_at, @created_at)
        ON CONFLICT (transaction_id) DO NOTHING
        """;

    private static readonly string[] s_insertParameters =
    [
        "@transaction_id", "@user_id", "@category_id", "@amount", "@z_score", "@is_anomaly", "@reason",
        "@mean", "@std_dev", "@sample_count", "@occurred_at", "@accepted_at", "@created_at",
    ];

    private readonly SemaphoreSlim _turn = new(1);
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _select;
    private readonly SqliteCommand _insert;

    /// <param name="path">The path of the database, which the service has made.</param>
    public PlainDatabase(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode = WAL");
        Execute("PRAGMA synchronous = FULL");
        _select = Prepare(SelectBaseline, "@user_id", "@category_id");
        _insert = Prepare(InsertRow, s_insertParameters);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PlainScore>> WriteAsync(IReadOnlyList<PlainTransaction> transactions)
    {
        // SQLite has one writer at a time.
        await _turn.WaitAsync();
        try
        {
            using SqliteTransaction transaction = _connection.BeginTransaction(deferred: false);
            _select.Transaction = transaction;
            _insert.Transaction = transaction;
            var scores = new PlainScore[transactions.Count];
            for (int i = 0; i < scores.Length; i++)
            {
                scores[i] = Score(transactions[i]);
                Insert(transactions[i], scores[i]);
            }

            transaction.Commit();
            return scores;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _turn.Dispose();
        _select.Dispose();
        _insert.Dispose();
        _connection.Dispose();
    }

    private PlainScore Score(PlainTransaction transaction)
    {
        _select.Parameters[0].Value = transaction.UserId;
        _select.Parameters[1].Value = transaction.CategoryId;
        using SqliteDataReader row = _select.ExecuteReader();
        return row.Read() ? PlainScore.Of(transaction.Amount, row.GetDouble(0), row.GetDouble(1), row.GetInt64(2)) : default;
    }

    private void Insert(PlainTransaction transaction, PlainScore score)
    {
        string now = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
        Set(0, (transaction.Id is { } id ? Guid.Parse(id) : Guid.CreateVersion7()).ToByteArray(bigEndian: true));
        Set(1, transaction.UserId);
        Set(2, transaction.CategoryId);
        Set(3, (long)(transaction.Amount * 10_000));
        Set(4, score.ZScore);
        Set(5, score.IsAnomaly ? 1 : 0);
        Set(6, score.Reason);
        Set(7, score.Mean);
        Set(8, score.StdDev);
        Set(9, score.SampleCount);
        Set(10, transaction.OccurredAt ?? now);
        Set(11, transaction.AcceptedAt ?? now);
        Set(12, now);
        _insert.ExecuteNonQuery();
    }

    private void Set(int parameter, object? value) => _insert.Parameters[parameter].Value = value ?? DBNull.Value;

    private void Execute(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private SqliteCommand Prepare(string sql, params string[] parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (string name in parameters)
        {
            command.Parameters.AddWithValue(name, DBNull.Value);
        }

        command.Prepare();
        return command;
    }
}
