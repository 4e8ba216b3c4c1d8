using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="ILearningStore"/>
internal sealed class SqliteLearningStore(SqliteDatabase database, TimeProvider time) : ILearningStore
{
    private const string RowColumns = "id, user_id, category_id, amount, occurred_at, contribution, judgement, verdict";


    /// <inheritdoc/>
    public Task<DetectionModel?> LoadModelAsync(CancellationToken cancellationToken) => database.ReadAsync(
        session => session.InReadTransaction(() =>
        {
            DetectionModel? head = session.FirstOrDefault(
                "SELECT version, began_at, as_of, rarely, normal, often FROM detection_models ORDER BY version DESC LIMIT 1",
                static row => new DetectionModel
                {
                    Version = row.GetInt32(0),
                    Began = row.GetTime(1),
                    MadeAt = row.GetTime(2),
                    Thresholds = new AlertThresholds(row.GetDouble(3), row.GetDouble(4), row.GetDouble(5)),
                });
            return head is null ? null : ModelRows.Compose(head, session.Query(
                "SELECT category_id, is_refund, prior, verdicts FROM detection_categories",
                static row => new ModelRow(new CategoryKey(row.GetInt64(0), row.GetInt64(1) == 1), row.GetBlobOrNull(2)!, row.GetBlobOrNull(3))));
        }),
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> SaveModelAsync(DetectionModel model, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            if (session.Number("SELECT coalesce(max(version), 0) FROM detection_models") != model.Version - 1)
            {
                return false;
            }

            session.Execute(
                "INSERT INTO detection_models (version, began_at, as_of, made_at, rarely, normal, often) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                model.Version, model.Began, model.MadeAt, time.UtcNowMicroseconds(), model.Thresholds.Rarely, model.Thresholds.Normal,
                model.Thresholds.Often);
            session.Execute("DELETE FROM detection_categories");
            foreach (ModelRow row in ModelRows.Of(model))
            {
                session.Execute(
                    "INSERT INTO detection_categories (category_id, is_refund, prior, verdicts) VALUES (?1, ?2, ?3, ?4)",
                    row.Category.CategoryId, row.Category.IsRefund ? 1 : 0, row.Prior, row.Verdicts);
            }

            return true;
        },
        cancellationToken,
        isLong: true);

    // Several programs on one file are rare, and the second of two models is refused when it is saved.
    /// <inheritdoc/>
    public async Task<bool> RunAloneAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        await work();
        return true;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<KnownKey>> ReadStatesAsync(StateKey? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<KnownKey>)session.Query(
            """
            SELECT user_id, category_id, is_refund, state, carried FROM detection_states
            WHERE (user_id, category_id, is_refund) > (?1, ?2, ?3) ORDER BY user_id, category_id, is_refund LIMIT ?4
            """,
            SqliteStates.ToKey,
            after?.UserId ?? 0, after?.Category.CategoryId ?? 0, after?.Category.IsRefund == true ? 1 : 0, limit),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<KnownUser>> ReadUsersAsync(long after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<KnownUser>)session.Query(
            "SELECT user_id, version, state, carried FROM detection_users WHERE user_id > ?1 ORDER BY user_id LIMIT ?2", SqliteStates.ToUser, after, limit),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ContributingRow>> ReadRowsAsync(long before, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<ContributingRow>)session.Query(
            $"SELECT {RowColumns} FROM anomaly_transactions WHERE id < ?1 AND contribution IS NOT NULL ORDER BY id DESC LIMIT ?2", ToRow, before, limit),
        cancellationToken);

    /// <inheritdoc/>
    public async Task<LearnedUser?> ReadUserAsync(long userId, CancellationToken cancellationToken)
    {
        // All of it is read in one transaction, so that it is as of one moment.
        return await database.ReadAsync(
            session => session.InReadTransaction(() =>
            {
                KnownUser? user = session.FirstOrDefault(
                    "SELECT user_id, version, state, carried FROM detection_users WHERE user_id = ?1", SqliteStates.ToUser, userId);
                List<KnownKey> keys = session.Query(
                    "SELECT user_id, category_id, is_refund, state, carried FROM detection_states WHERE user_id = ?1 ORDER BY category_id, is_refund",
                    SqliteStates.ToKey, userId);
                List<ContributingRow> rows = session.Query(
                    $"SELECT {RowColumns} FROM anomaly_transactions WHERE user_id = ?1 AND contribution IS NOT NULL ORDER BY id", ToRow, userId);
                return user is null && keys.Count == 0 && rows.Count == 0
                    ? null
                    : new LearnedUser(user ?? new KnownUser(userId, null, default), keys, rows);
            }),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<bool> TryReplaceAsync(UserChange change, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            long? version = session.FirstOrDefault(
                "SELECT version FROM detection_users WHERE user_id = ?1", static row => (long?)row.GetInt64(0), change.UserId);
            if (version != change.Expected)
            {
                return false;
            }

            session.Execute("DELETE FROM detection_states WHERE user_id = ?1", change.UserId);
            SqliteStates.Write(session, [change]);
            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task SettleVerdictsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<bool> TryForgetAsync(long userId, long version, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            if (session.Execute("DELETE FROM detection_users WHERE user_id = ?1 AND version = ?2", userId, version) == 0)
            {
                return false;
            }

            session.Execute("DELETE FROM detection_states WHERE user_id = ?1", userId);
            return true;
        },
        cancellationToken);

    private static ContributingRow ToRow(SqliteRow row)
    {
        var amount = new Money(row.GetInt64(3));
        return new ContributingRow(
            row.GetInt64(0), StateKey.Of(row.GetInt64(1), row.GetInt64(2), amount.Units < 0), amount.ToDouble(), row.GetTime(4),
            Contribution.Read(row.GetBlobOrNull(5)))
        {
            Verdict = CommandNames.ToVerdict(row.GetStringOrNull(7)),
            Suspicion = row.GetBlobOrNull(6) is { } judgement ? Detected.Read("", judgement).Suspicion : 0,
        };
    }
}
