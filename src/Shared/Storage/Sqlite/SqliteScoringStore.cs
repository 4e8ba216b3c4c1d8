using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Learning;
using FinanceIngest.Overview;
using FinanceIngest.Poison;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IScoringStore"/>
internal sealed class SqliteScoringStore(SqliteDatabase database, TimeProvider time) : IScoringStore
{
    // Batches of this many rows or more count as long writes, which take milliseconds.
    private const int LongBatch = 500;

    // Baselines of up to this many keys are read on the caller's thread: some microseconds for each.
    private const int FewKeys = 32;

    // SQLite takes the unique index by itself, and then reads the table too.
    internal const string BaselineSql =
        "SELECT mean, std_dev, sample_count FROM anomaly_stats INDEXED BY anomaly_stats_values WHERE user_id = ?1 AND category_id = ?2";

    private readonly SqliteStateCache _states = new();

    /// <inheritdoc/>
    public Task<LoadedBaselines> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken)
    {
        // The keys are looked up in the order in which the baselines lie in the file.
        BaselineKey[] inOrder = [.. keys];
        Array.Sort(inOrder, static (one, other) => (one.UserId, one.CategoryId).CompareTo((other.UserId, other.CategoryId)));
        return database.ReadAsync(
            session => session.InReadTransaction(() => new LoadedBaselines(Load(session, inOrder), SqliteCommands.SettingsFor(session, inOrder))),
            cancellationToken,
            onThisThread: inOrder.Length <= FewKeys);
    }

    private static Dictionary<BaselineKey, Baseline> Load(SqliteSession session, BaselineKey[] keys)
    {
        var baselines = new Dictionary<BaselineKey, Baseline>(keys.Length);
        SqliteStatement select = session.Prepare(BaselineSql);
        foreach (BaselineKey key in keys)
        {
            Baseline? baseline = select.FirstOrDefault(
                static row => new Baseline(row.GetDouble(0), row.GetDouble(1), row.GetInt64(2)), key.UserId, key.CategoryId);
            if (baseline is not null)
            {
                baselines[key] = baseline;
            }
        }

        return baselines;
    }

    /// <inheritdoc/>
    public Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken)
    {
        long batchId = BatchId.Next(time);
        bool isLong = batch.Results.Count >= LongBatch;
        return database.WriteAsync(
            session => Write(session, batch, batchId), cancellationToken, beforeCommit: batch.ThrowUnlessHeld, isLong: isLong, onThisThread: !isLong);
    }

    /// <inheritdoc/>
    public Task<LearnedRows> LearnAsync(LearningWork work, CancellationToken cancellationToken)
    {
        long batchId = BatchId.Next(time);
        bool isLong = work.Wanted.Ids.Count >= LongBatch;
        Action held = () => ScoredBatch.ThrowUnless(work.MayCommit);
        return database.WriteAsync(
            session =>
            {
                // Under the write lock nothing changes between what is read here and what is written.
                held();
                ScoredBatch batch = work.Score(Load(session, work.Wanted), null);
                WriteCounts counts = Write(session, batch, batchId);
                return new LearnedRows(
                    counts, batch.Results, batch.Alerts.Count > 0, (int)session.Number("SELECT coalesce(max(version), 0) FROM detection_models"));
            },
            cancellationToken, beforeCommit: held, isLong: isLong, onThisThread: !isLong);
    }

    private Known Load(SqliteSession session, Wanted wanted)
    {
        BaselineKey[] keys = [.. wanted.Baselines];
        Array.Sort(keys, static (one, other) => (one.UserId, one.CategoryId).CompareTo((other.UserId, other.CategoryId)));
        var present = new Dictionary<Guid, Presence>();
        Guid highest = HighestId(session);
        SqliteStatement row = session.Prepare("SELECT status FROM anomaly_transactions WHERE transaction_id = ?1");
        SqliteStatement tombstone = session.Prepare("SELECT 1 FROM purged_transactions WHERE transaction_id = ?1");
        foreach (Guid id in wanted.Ids.Where(id => id.CompareTo(highest) <= 0).Order())
        {
            if (row.FirstOrDefault(static found => found.GetString(0), id) is { } status)
            {
                present[id] = Names.ToStatus(status) == TransactionStatus.Failed ? Presence.Failed : Presence.Scored;
            }
            else if (tombstone.FirstOrDefault(static _ => true, id))
            {
                present[id] = Presence.Buried;
            }
        }

        foreach (Transaction erased in SqliteCommands.HasErased(session)
            ? wanted.Transactions.Where(transaction => SqliteCommands.IsErased(session, transaction.UserId, transaction.AcceptedAt))
            : [])
        {
            present.TryAdd(erased.Id, Presence.Buried);
        }

        return new Known(Load(session, keys), _states.Load(session, wanted.States), present)
        {
            Settings = SqliteCommands.SettingsFor(
                session, [.. wanted.States.Select(static key => new BaselineKey(key.UserId, key.Category.CategoryId)).Distinct()]),
        };
    }

    private WriteCounts Write(SqliteSession session, ScoredBatch batch, long batchId)
    {
        // The write may have waited for its turn, and for another process's lock.
        batch.ThrowUnlessHeld();
        (long position, long lastId) = Head(session);
        var feed = new SqliteFeed(lastId);
        var commands = new SqliteCommands(session, feed, time.UtcNowMicroseconds());
        bool hasErased = SqliteCommands.HasErased(session);
        int conflicts = 0;
        List<TransactionResult> written = [];
        Guid highest = HighestId(session);
        foreach (TransactionResult result in InOrder(batch.Results))
        {
            if (hasErased && commands.BuryIfErased(result))
            {
                continue;
            }

            bool isNew = result.Id.CompareTo(highest) > 0;
            highest = isNew ? result.Id : highest;

            // A row that replaces a failed one takes a new place in the feed.
            if (Insert(session, isNew ? InsertNewSql : InsertSql, result, feed.NextId)
                || (RemoveFailed(session, result) && Insert(session, InsertSql, result, feed.NextId)))
            {
                feed.Take();
                written.Add(result);
            }
            else if (RecordConflict(session, result))
            {
                conflicts++;
            }
        }

        // What changes states beyond the batch's own rows reads them again, so that these come first.
        _states.Write(session, batch.Learned);
        int verdicts = commands.AfterScoring(written);

        // Only what this transaction wrote gets alerts: a redelivered anomaly has its alert already, and a repeat that would be an anomaly did not become the
        // row.
        HashSet<Guid> alerting =
        [
            .. written.Where(static result => result.SuppressedBy is null && (result.IsAnomaly || result.Alert == AlertState.Queued))
                .Select(static result => result.Id),
        ];
        int alerts = batch.Alerts.Where(alert => alerting.Contains(alert.TransactionId)).Sum(alert => InsertAlert(session, alert));
        commands.CarryOut(batch.Commands);
        foreach (PoisonMessage message in batch.Poison)
        {
            InsertPoison(session, message);
        }

        if (batch.Process is { } process)
        {
            WriteProcess(session, process);
        }

        if (feed.Count > 0)
        {
            // SQLite has one writer at a time, so that ids and positions are committed in ascending order.
            session.Execute(
                "INSERT INTO feed_batches (position, batch_id, last_id) VALUES (?1, ?2, ?3)", position + feed.Count, batchId, feed.LastId);
        }

        return new WriteCounts(written.Count, batch.Results.Count - written.Count, conflicts, alerts, verdicts);
    }

    // The newest row has the last id of the newest batch, unless somebody has changed the tables by hand: an id must not be given twice even then.
    private static (long Position, long LastId) Head(SqliteSession session)
    {
        (long position, long lastId) = session.FirstOrDefault(
            "SELECT position, last_id FROM feed_batches WHERE position > 0 ORDER BY position DESC LIMIT 1", static row => (row.GetInt64(0), row.GetInt64(1)));
        long beyond = Math.Max(0, session.Number("SELECT coalesce(max(id), 0) FROM anomaly_transactions") - lastId);
        return (position + beyond, lastId + beyond);
    }

    // Ids are looked for in the order in which they lie in the index. Repeats of an id stay in the order in which they came: the first one becomes the row.
    private static IEnumerable<TransactionResult> InOrder(IReadOnlyList<TransactionResult> results) =>
        results.Count == 1 ? results : results.OrderBy(static result => result.Id);

    private const string RowColumns =
        "id, transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason, mean, std_dev, sample_count, occurred_at, accepted_at, "
        + "created_at, error, detector, judgement, contribution, shadow, suppressed_by, has_alert";

    private const string RowValues = "?16, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?17, ?18, ?19, ?20, ?21, ?22";

    // A statement that can leave a row out has to be able to undo itself, which costs SQLite more than the look at the index: a row that is certainly new
    // goes in without it.
    private const string InsertNewSql = $"INSERT INTO anomaly_transactions ({RowColumns}) VALUES ({RowValues})";

    private const string InsertSql =
        $"""
        INSERT INTO anomaly_transactions ({RowColumns}) SELECT {RowValues}
        WHERE NOT EXISTS (SELECT 1 FROM purged_transactions WHERE transaction_id = ?1)
        ON CONFLICT (transaction_id) DO NOTHING
        """;

    private static bool Insert(SqliteSession session, string sql, TransactionResult result, long rowId) => session.Execute(
        sql,
        result.Id, result.UserId, result.CategoryId, result.Amount?.Units, result.ZScore, result.IsAnomaly ? 1 : 0,
        Names.Of(result.Status), result.Reason is { } reason ? Names.Of(reason) : null,
        result.Baseline?.Mean, result.Baseline?.StdDev, result.Baseline?.SampleCount,
        result.OccurredAt, result.AcceptedAt, result.ScoredAt, result.Error, rowId,
        result.Detected?.Detector, result.Detected?.ToBytes(), result.Contribution?.ToBytes(), result.Shadow,
        result.SuppressedBy is { } suppression ? Names.Of(suppression) : null, result.Alert == AlertState.Queued && !result.IsAnomaly ? 1 : 0) == 1;

    // The highest id that has a row or a tombstone. Ids begin with a time, so that most of a batch's are higher.
    private static Guid HighestId(SqliteSession session)
    {
        Guid row = session.Single("SELECT max(transaction_id) FROM anomaly_transactions", IdOrNone);
        Guid tombstone = session.Single("SELECT max(transaction_id) FROM purged_transactions", IdOrNone);
        return row.CompareTo(tombstone) > 0 ? row : tombstone;

        static Guid IdOrNone(SqliteRow found) => found.IsNull(0) ? Guid.Empty : found.GetGuid(0);
    }

    private static bool RemoveFailed(SqliteSession session, TransactionResult result) =>
        result.Status == TransactionStatus.Scored
        && session.Execute("DELETE FROM anomaly_transactions WHERE transaction_id = ?1 AND status = 'failed'", result.Id) == 1;

    private bool RecordConflict(SqliteSession session, TransactionResult repeat)
    {
        if (repeat.Status != TransactionStatus.Scored)
        {
            return false;
        }

        TransactionResult? row = session.FirstOrDefault(
            $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.transaction_id = ?1", SqliteRows.ToResult, repeat.Id);

        if (row is null || !RepeatRule.Differs(row, repeat))
        {
            return false;
        }

        if (session.Number("SELECT count(*) FROM repeat_conflicts WHERE transaction_id = ?1", repeat.Id) >= RepeatRule.MostKept)
        {
            return session.Execute(
                "UPDATE repeat_conflicts SET beyond = beyond + 1 WHERE id = (SELECT max(id) FROM repeat_conflicts WHERE transaction_id = ?1)", repeat.Id) == 1;
        }

        return session.Execute(
            """
            INSERT INTO repeat_conflicts (transaction_id, user_id, category_id, amount, occurred_at, accepted_at, recorded_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING
            """,
            repeat.Id, repeat.UserId, repeat.CategoryId, repeat.Amount?.Units, repeat.OccurredAt, repeat.AcceptedAt, time.UtcNowMicroseconds()) == 1;
    }

    private static void WriteProcess(SqliteSession session, ProcessSeen seen)
    {
        session.Execute("DELETE FROM processes WHERE seen_at < ?1", seen.SeenAt - ProcessSeen.Kept);
        session.Execute(
            """
            INSERT INTO processes (instance, program, version, roles, started_at, seen_at, batches, transactions)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (instance) DO UPDATE SET program = ?2, version = ?3, roles = ?4, started_at = ?5, seen_at = ?6, batches = ?7, transactions = ?8
            """,
            seen.Process.Instance, seen.Process.Program, seen.Process.Version, seen.Process.Roles, seen.Process.StartedAt, seen.SeenAt,
            seen.Batches, seen.Transactions);
    }

    private static int InsertAlert(SqliteSession session, NewAlert alert) => session.Execute(
        """
        INSERT INTO alert_outbox (alert_id, transaction_id, payload, traceparent, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (alert_id) DO NOTHING
        """,
        alert.AlertId, alert.TransactionId, alert.Payload, alert.TraceParent, alert.CreatedAt);

    private static void InsertPoison(SqliteSession session, PoisonMessage message) => session.Execute(
        """
        INSERT INTO poison_messages (message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (message_id) DO NOTHING
        """,
        message.MessageId, message.Reason, message.Exception, message.Attempts, message.TraceParent, message.Body, message.InsertedAt, message.FailedAt);
}
