using System.Collections.Concurrent;
using System.Data;
using System.Globalization;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Bench.Plain;

/// <summary>
/// The service's database on SQL Server as a simple program would use it: a select and an insert for each transaction, prepared once for each connection.
/// Overlapping calls have connections of their own, which stay open.
/// </summary>
/// <remarks>
/// A single transaction is its own database transaction, so that it takes two round trips: that favours the simple program, since begin and commit would take
/// a round trip each. Several transactions take two round trips each, and one each for begin and commit.
/// </remarks>
public sealed class PlainSqlServer(string connectionString) : IPlainStore
{
    private readonly ConcurrentBag<Session> _idle = [];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PlainScore>> WriteAsync(IReadOnlyList<PlainTransaction> transactions)
    {
        Session session = _idle.TryTake(out Session? idle) ? idle : await Session.OpenAsync(connectionString);
        IReadOnlyList<PlainScore> scores = await session.WriteAsync(transactions);

        // After a failure the connection is not used again.
        _idle.Add(session);
        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryTake(out Session? session))
        {
            session.Dispose();
        }
    }

    private sealed class Session : IDisposable
    {
        private const string SelectBaseline =
            "SELECT mean, std_dev, sample_count FROM anomaly_stats WHERE user_id = @user_id AND category_id = @category_id";

        // Stands for the column that holds the id.
        private const string IdColumn = "id_column";

        private const string InsertRow =
            $"""
            INSERT INTO anomaly_transactions ({IdColumn}, user_id, category_id, amount, z_score, is_anomaly, status, reason,
                mean, std_dev, sample_count, occurred_at, accepted_at, created_at)
            SELECT @id, @user_id, @category_id, @amount, @z_score, @is_anomaly, 'scored', @reason,
                @mean, @std_dev, @sample_count, @occurred_at, @accepted_at, @created_at
            WHERE NOT EXISTS (SELECT 1 FROM anomaly_transactions WHERE {IdColumn} = @id)
            """;

        private const string CountKeyColumn =
            "SELECT COUNT(*) FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'anomaly_transactions' AND COLUMN_NAME = 'transaction_key'";

        private readonly SqlConnection _connection;
        private readonly SqlCommand _select;
        private readonly SqlCommand _insert;

        // Whether the id is written as 16 bytes in the order of its text; otherwise as a UNIQUEIDENTIFIER.
        private readonly bool _idsAreBytes;

        private Session(SqlConnection connection)
        {
            _connection = connection;
            using (SqlCommand count = connection.CreateCommand())
            {
                count.CommandText = CountKeyColumn;
                _idsAreBytes = Convert.ToInt32(count.ExecuteScalar(), CultureInfo.InvariantCulture) > 0;
            }

            _select = connection.CreateCommand();
            _select.CommandText = SelectBaseline;
            Add(_select, "@user_id", SqlDbType.BigInt);
            Add(_select, "@category_id", SqlDbType.BigInt);
            _select.Prepare();

            _insert = connection.CreateCommand();
            _insert.CommandText = InsertRow.Replace(IdColumn, _idsAreBytes ? "transaction_key" : "transaction_id", StringComparison.Ordinal);
            Add(_insert, "@id", _idsAreBytes ? SqlDbType.Binary : SqlDbType.UniqueIdentifier).Size = 16;
            Add(_insert, "@user_id", SqlDbType.BigInt);
            Add(_insert, "@category_id", SqlDbType.BigInt);
            SqlParameter amount = Add(_insert, "@amount", SqlDbType.Decimal);
            (amount.Precision, amount.Scale) = (19, 4);
            Add(_insert, "@z_score", SqlDbType.Float);
            Add(_insert, "@is_anomaly", SqlDbType.Bit);
            Add(_insert, "@reason", SqlDbType.VarChar).Size = 32;
            Add(_insert, "@mean", SqlDbType.Float);
            Add(_insert, "@std_dev", SqlDbType.Float);
            Add(_insert, "@sample_count", SqlDbType.BigInt);
            foreach (string name in new[] { "@occurred_at", "@accepted_at", "@created_at" })
            {
                // Prepare wants a size for these as well.
                SqlParameter instant = Add(_insert, name, SqlDbType.DateTime2);
                (instant.Scale, instant.Size) = (6, 8);
            }

            _insert.Prepare();
        }

        public static async Task<Session> OpenAsync(string connectionString)
        {
            var connection = new SqlConnection(connectionString);
            await connection.OpenAsync();
            return new Session(connection);
        }

        public async Task<IReadOnlyList<PlainScore>> WriteAsync(IReadOnlyList<PlainTransaction> transactions)
        {
            await using SqlTransaction? transaction = transactions.Count == 1 ? null : (SqlTransaction)await _connection.BeginTransactionAsync();
            _select.Transaction = transaction;
            _insert.Transaction = transaction;
            var scores = new PlainScore[transactions.Count];
            for (int i = 0; i < scores.Length; i++)
            {
                scores[i] = await ScoreAsync(transactions[i]);
                await InsertAsync(transactions[i], scores[i]);
            }

            if (transaction is not null)
            {
                await transaction.CommitAsync();
            }

            return scores;
        }

        public void Dispose()
        {
            _select.Dispose();
            _insert.Dispose();
            _connection.Dispose();
        }

        private static SqlParameter Add(SqlCommand command, string name, SqlDbType type)
        {
            SqlParameter parameter = command.Parameters.Add(name, type);
            parameter.Value = DBNull.Value;
            return parameter;
        }

        private static DateTime Instant(string? text, DateTime now) =>
            text is null ? now : DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).UtcDateTime;

        private async Task<PlainScore> ScoreAsync(PlainTransaction transaction)
        {
            _select.Parameters[0].Value = transaction.UserId;
            _select.Parameters[1].Value = transaction.CategoryId;
            await using SqlDataReader row = await _select.ExecuteReaderAsync();
            return await row.ReadAsync()
                ? PlainScore.Of(transaction.Amount, row.GetDouble(0), row.GetDouble(1), Convert.ToInt64(row.GetValue(2), CultureInfo.InvariantCulture))
                : default;
        }

        private async Task InsertAsync(PlainTransaction transaction, PlainScore score)
        {
            DateTime now = DateTime.UtcNow;
            Guid id = transaction.Id is null ? Guid.CreateVersion7() : Guid.ParseExact(transaction.Id, "D");
            object?[] values =
            [
                _idsAreBytes ? id.ToByteArray(bigEndian: true) : id,
                transaction.UserId, transaction.CategoryId, transaction.Amount, score.ZScore, score.IsAnomaly, score.Reason,
                score.Mean, score.StdDev, score.SampleCount,
                Instant(transaction.OccurredAt, now), Instant(transaction.AcceptedAt, now), now,
            ];
            for (int i = 0; i < values.Length; i++)
            {
                _insert.Parameters[i].Value = values[i] ?? DBNull.Value;
            }

            await _insert.ExecuteNonQueryAsync();
        }
    }
}
