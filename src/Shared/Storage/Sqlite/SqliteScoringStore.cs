using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Poison;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IScoringStore"/>
internal sealed class SqliteScoringStore(SqliteDatabase database, TimeProvider time) : IScoringStore
{
    // Rows of a batch whose write takes some milliseconds.
    private const int LongBatch = 500;

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<BaselineKey, Baseline>> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken)
    {
        // In the order in which they lie in the file.
        BaselineKey[] inOrder = [.. keys];
        Array.Sort(inOrder, static (one, other) => one.UserId != other.UserId ? one.UserId.CompareTo(other.UserId) : one.CategoryId.CompareTo(other.CategoryId));
        return database.ReadAsync<IReadOnlyDictionary<BaselineKey, Baseline>>(session => session.InReadTransaction(() => Load(session, inOrder)), cancellationToken);
    }

    private static Dictionary<BaselineKey, Baseline> Load(SqliteSession session, BaselineKey[] keys)
    {
        var baselines = new Dictionary<BaselineKey, Baseline>(keys.Length);
        SqliteStatement select = session.Prepared("SELECT mean, std_dev, sample_count FROM anomaly_stats WHERE user_id = ?1 AND category_id = ?2");
        foreach (BaselineKey key in keys)
        {
            select.Bind(1, key.UserId);
            select.Bind(2, key.CategoryId);
            while (select.Step())
            {
                baselines[key] = new Baseline(select.GetDouble(0), select.GetDouble(1), select.GetInt64(2));
            }
        }

        return baselines;
    }

    /// <inheritdoc/>
    public Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken)
    {
        long batchId = BatchId.Next(time);
        return database.WriteAsync(session => Write(session, batch, batchId), cancellationToken, beforeCommit: batch.ThrowUnlessHeld, isLong: batch.Results.Count >= LongBatch);
    }

    private WriteCounts Write(SqliteSession session, ScoredBatch batch, long batchId)
    {
        // It may have waited for its turn, and for another process's lock.
        batch.ThrowUnlessHeld();
        int written = 0;
        int conflicts = 0;
        var anomalies = new HashSet<Guid>();
        foreach (TransactionResult result in batch.Results)
        {
            if (Insert(session, result, batchId) || ReplaceFailed(session, result, batchId))
            {
                written++;
                if (result.IsAnomaly)
                {
                    anomalies.Add(result.Id);
                }
            }
            else if (RecordConflict(session, result))
            {
                conflicts++;
            }
        }

        // Alerts go only with anomalies that this transaction wrote: a redelivered one has its alert already, and a repeat that would be one
        // did not become the row.
        int alerts = batch.Alerts.Where(alert => anomalies.Contains(alert.TransactionId)).Sum(alert => InsertAlert(session, alert));
        foreach (PoisonMessage message in batch.Poison)
        {
            InsertPoison(session, message);
        }

        if (written > 0)
        {
            // SQLite has one writer at a time: positions are committed in their order.
            session.Execute(
                "INSERT INTO feed_batches (position, batch_id) SELECT coalesce(max(position), 0) + 1, @batch_id FROM feed_batches",
                ("@batch_id", batchId));
        }

        return new WriteCounts(written, batch.Results.Count - written, conflicts, alerts);
    }

    private static bool Insert(SqliteSession session, TransactionResult result, long batchId)
    {
        SqliteStatement insert = session.Prepared(
            """
            INSERT INTO anomaly_transactions (transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason,
                mean, std_dev, sample_count, occurred_at, accepted_at, created_at, error, batch_id)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
            WHERE NOT EXISTS (SELECT 1 FROM purged_transactions WHERE transaction_id = ?1)
            ON CONFLICT (transaction_id) DO NOTHING
            """);
        Span<byte> id = stackalloc byte[36];
        result.Id.TryFormat(id, out _, "D");
        insert.Bind(1, id);
        insert.Bind(2, result.UserId);
        insert.Bind(3, result.CategoryId);
        insert.Bind(4, result.Amount?.Units);
        insert.Bind(5, result.ZScore);
        insert.Bind(6, result.IsAnomaly ? 1 : 0);
        insert.Bind(7, Names.Of(result.Status));
        insert.Bind(8, result.Reason is { } reason ? Names.Of(reason) : null);
        insert.Bind(9, result.Baseline?.Mean);
        insert.Bind(10, result.Baseline?.StdDev);
        insert.Bind(11, result.Baseline?.SampleCount);
        BindTime(insert, 12, result.OccurredAt);
        BindTime(insert, 13, result.AcceptedAt);
        BindTime(insert, 14, result.ScoredAt);
        insert.Bind(15, result.Error);
        insert.Bind(16, batchId);
        return insert.Execute() == 1;
    }

    private static void BindTime(SqliteStatement statement, int parameter, DateTime? instant)
    {
        if (instant is not { } value)
        {
            statement.Bind(parameter, (string?)null);
            return;
        }

        Span<byte> text = stackalloc byte[Timestamp.Length];
        Timestamp.Write(value, text);
        statement.Bind(parameter, text);
    }

    private static bool ReplaceFailed(SqliteSession session, TransactionResult result, long batchId) =>
        result.Status == TransactionStatus.Scored && session.Execute(
            """
            UPDATE anomaly_transactions SET user_id = @user_id, category_id = @category_id, amount = @amount, z_score = @z_score,
                is_anomaly = @is_anomaly, status = @status, reason = @reason, mean = @mean, std_dev = @std_dev, sample_count = @sample_count,
                occurred_at = @occurred_at, accepted_at = @accepted_at, created_at = @created_at, error = @error, batch_id = @batch_id
            WHERE transaction_id = @transaction_id AND status = 'failed'
            """,
            Columns(result, batchId)) == 1;

    private bool RecordConflict(SqliteSession session, TransactionResult repeat)
    {
        if (repeat.Status != TransactionStatus.Scored)
        {
            return false;
        }

        TransactionResult? row = session.Query(
            $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.transaction_id = @transaction_id",
            SqliteRows.ToResult,
            ("@transaction_id", SqliteRows.Uuid(repeat.Id))).FirstOrDefault();

        return row is not null && RepeatRule.Differs(row, repeat) && session.Execute(
            """
            INSERT INTO repeat_conflicts (transaction_id, user_id, category_id, amount, occurred_at, accepted_at, recorded_at)
            VALUES (@transaction_id, @user_id, @category_id, @amount, @occurred_at, @accepted_at, @recorded_at) ON CONFLICT DO NOTHING
            """,
            ("@transaction_id", SqliteRows.Uuid(repeat.Id)), ("@user_id", repeat.UserId), ("@category_id", repeat.CategoryId), ("@amount", repeat.Amount?.Units),
            ("@occurred_at", SqliteRows.Time(repeat.OccurredAt)), ("@accepted_at", SqliteRows.Time(repeat.AcceptedAt)), ("@recorded_at", Timestamp.ToText(time.UtcNowMicroseconds()))) == 1;
    }

    private static int InsertAlert(SqliteSession session, NewAlert alert) => session.Execute(
        """
        INSERT INTO alert_outbox (alert_id, transaction_id, payload, traceparent, created_at)
        VALUES (@alert_id, @transaction_id, @payload, @traceparent, @created_at) ON CONFLICT (alert_id) DO NOTHING
        """,
        ("@alert_id", SqliteRows.Uuid(alert.AlertId)), ("@transaction_id", SqliteRows.Uuid(alert.TransactionId)),
        ("@payload", alert.Payload), ("@traceparent", alert.TraceParent), ("@created_at", Timestamp.ToText(alert.CreatedAt)));

    private static void InsertPoison(SqliteSession session, PoisonMessage message) => session.Execute(
        """
        INSERT INTO poison_messages (message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at)
        VALUES (@message_id, @reason, @exception, @attempts, @traceparent, @body, @inserted_at, @failed_at) ON CONFLICT (message_id) DO NOTHING
        """,
        ("@message_id", message.MessageId), ("@reason", message.Reason), ("@exception", message.Exception), ("@attempts", message.Attempts),
        ("@traceparent", message.TraceParent), ("@body", message.Body), ("@inserted_at", Timestamp.ToText(message.InsertedAt)), ("@failed_at", Timestamp.ToText(message.FailedAt)));

    private static (string, object?)[] Columns(TransactionResult result, long batchId) =>
    [
        ("@transaction_id", SqliteRows.Uuid(result.Id)), ("@user_id", result.UserId), ("@category_id", result.CategoryId), ("@amount", result.Amount?.Units),
        ("@z_score", result.ZScore), ("@is_anomaly", result.IsAnomaly ? 1 : 0), ("@status", Names.Of(result.Status)),
        ("@reason", result.Reason is { } reason ? Names.Of(reason) : null),
        ("@mean", result.Baseline?.Mean), ("@std_dev", result.Baseline?.StdDev), ("@sample_count", result.Baseline?.SampleCount),
        ("@occurred_at", SqliteRows.Time(result.OccurredAt)), ("@accepted_at", SqliteRows.Time(result.AcceptedAt)), ("@created_at", SqliteRows.Time(result.ScoredAt)),
        ("@error", result.Error), ("@batch_id", batchId),
    ];
}
