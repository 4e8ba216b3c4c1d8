using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Preferences;
using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <summary>Carries commands out, within the transaction of the batch that they came in.</summary>
/// <remarks>Each command finds the place of the last one that its target obeyed, and changes nothing where it does not come after it.</remarks>
/// <param name="session">The session, in a write transaction.</param>
/// <param name="feed">Gives rows that change a new place in the feed.</param>
/// <param name="now">The time of the write, UTC.</param>
internal sealed class SqliteCommands(SqliteSession session, SqliteFeed feed, DateTime now)
{
    /// <summary>The columns that <see cref="ToSensitivity"/> reads, of the table under the alias <c>s</c>.</summary>
    public const string SensitivityColumns = "s.user_id, s.category_id, s.level, s.minimum_amount, s.until, s.accepted_at";

    /// <summary>Carries commands out, in their order.</summary>
    public void CarryOut(IEnumerable<Command> commands)
    {
        foreach (Command command in commands)
        {
            switch (command)
            {
                case FeedbackCommand feedback:
                    CarryOut(feedback);
                    break;
                case WithdrawCommand withdrawal:
                    Withdraw(withdrawal.TransactionId);
                    break;
                case SensitivityCommand sensitivity:
                    CarryOut(sensitivity);
                    break;
                case EraseUserCommand erasure:
                    CarryOut(erasure);
                    break;
            }
        }
    }

    /// <summary>
    /// A transaction that is about to get its row: whether its user was erased after it was accepted. It then gets a tombstone, and must get no row.
    /// </summary>
    public bool BuryIfErased(TransactionResult result)
    {
        if (result is not { UserId: { } user, AcceptedAt: { } acceptedAt } || !IsErased(session, user, acceptedAt))
        {
            return false;
        }

        Bury(result.Id);
        return true;
    }

    /// <summary>What follows from rows that were just scored: what they replace is withdrawn, and verdicts that waited for them hold.</summary>
    /// <returns>How many verdicts had waited.</returns>
    public int AfterScoring(List<TransactionResult> written)
    {
        int verdicts = 0;

        // Verdicts seldom wait: one look at the index of those that do stands for one at each row.
        bool anyWaits = session.FirstOrDefault("SELECT 1 FROM feedback WHERE is_waiting = 1 LIMIT 1", static _ => true);
        foreach (TransactionResult result in written)
        {
            if (result.Status != TransactionStatus.Scored)
            {
                continue;
            }

            if (anyWaits && TakeWaitingVerdict(result.Id) is { } verdict)
            {
                SetVerdict(result.Id, verdict, isNewPlace: false);
                verdicts++;
            }

            if (result.Replaces is { } replaced)
            {
                Withdraw(replaced);
            }
        }

        return verdicts;
    }

    // Null: none waits, or it was taken back. A statement with RETURNING makes a table for what it returns even where it changes nothing.
    private string? TakeWaitingVerdict(Guid transactionId) =>
        session.FirstOrDefault("SELECT 1 FROM feedback WHERE transaction_id = ?1 AND is_waiting = 1", static _ => true, transactionId)
            ? session.FirstOrDefault(
                "UPDATE feedback SET is_waiting = 0 WHERE transaction_id = ?1 AND is_waiting = 1 RETURNING verdict",
                static row => row.GetStringOrNull(0), transactionId)
            : null;

    /// <summary>
    /// Withdraws a transaction: its row and what belongs to it go, with what the row taught; a tombstone stays. One that has no row yet never gets one.
    /// </summary>
    private void Withdraw(Guid transactionId)
    {
        Bury(transactionId);
        if (session.FirstOrDefault(
            $"DELETE FROM anomaly_transactions WHERE transaction_id = ?1 RETURNING {SqliteLearned.Columns}", SqliteLearned.Read, transactionId) is { } row)
        {
            SqliteLearned.TakeOut(session, [row], SqliteLearned.Leaving.WithWhatItTaught);
        }

        session.Execute("DELETE FROM repeat_conflicts WHERE transaction_id = ?1", transactionId);
        session.Execute("DELETE FROM alert_outbox WHERE transaction_id = ?1", transactionId);
    }

    /// <summary>
    /// The one place where a verdict meets its row. A row that changes takes a new place in the feed, unless it is of this batch.
    /// </summary>
    private void SetVerdict(Guid transactionId, string? verdict, bool isNewPlace)
    {
        if (session.Execute(
            "UPDATE anomaly_transactions SET verdict = ?2, id = CASE WHEN ?3 THEN ?4 ELSE id END WHERE transaction_id = ?1 AND verdict IS NOT ?2",
            transactionId, verdict, isNewPlace ? 1 : 0, feed.NextId) == 0)
        {
            return;
        }

        SqliteLearned.Answer(session, transactionId, CommandNames.ToVerdict(verdict));
        if (isNewPlace)
        {
            feed.Take();
        }
    }

    /// <summary>The settings that may hold for transactions of these users and categories.</summary>
    public static SensitivityTable SettingsFor(SqliteSession session, IReadOnlyCollection<BaselineKey> keys)
    {
        // Most installations have few settings or none, and a batch of thousands of keys would look four times for each.
        List<Sensitivity?> few = session.Query(
            $"SELECT {SensitivityColumns} FROM sensitivity s WHERE s.user_id >= 0 LIMIT ?1",
            static row => row.IsNull(2) ? null : ToSensitivity(row), keys.Count);
        if (few.Count < keys.Count || keys.Count == 0)
        {
            return few.Count == 0 ? SensitivityTable.Empty : new SensitivityTable(few.OfType<Sensitivity>());
        }

        return new SensitivityTable(keys.SelectMany(static key => SensitivityKey.ClosestFirst(key.UserId, key.CategoryId)).Distinct().SelectMany(key =>
            session.Query(
                $"SELECT {SensitivityColumns} FROM sensitivity s WHERE s.user_id = ?1 AND s.category_id = ?2 AND s.level IS NOT NULL",
                ToSensitivity, key.UserId, key.CategoryId)));
    }

    /// <summary>Whether any user was ever erased by a command.</summary>
    public static bool HasErased(SqliteSession session) => session.Number("SELECT EXISTS (SELECT 1 FROM erased_users WHERE user_id > 0)") == 1;

    /// <summary>Whether a user was erased by a command that came after what was accepted then.</summary>
    public static bool IsErased(SqliteSession session, long userId, DateTime acceptedAt) =>
        session.Number("SELECT EXISTS (SELECT 1 FROM erased_users WHERE user_id = ?1 AND accepted_at >= ?2)", userId, acceptedAt) == 1;

    /// <summary>Reads a setting.</summary>
    public static Sensitivity ToSensitivity(SqliteRow row) => new(
        new SensitivityKey(row.GetInt64(0), row.GetInt64(1)),
        CommandNames.ToLevel(row.GetString(2))!.Value,
        row.GetInt64OrNull(3) is { } units ? new Money(units) : null,
        row.GetTimeOrNull(4),
        row.GetTime(5));

    /// <summary>The place of the last command that a target obeyed, which a statement finds; null: none.</summary>
    public static CommandOrder? PlaceOf(SqliteSession session, string sql, params ReadOnlySpan<SqliteValue> key) =>
        session.FirstOrDefault<CommandOrder?>(
            sql, static row => row.IsNull(0) ? null : new CommandOrder(row.GetTime(0), row.GetGuid(1)), key);

    /// <summary>Whether a transaction has a tombstone.</summary>
    public static bool IsBuried(SqliteSession session, Guid transactionId) =>
        session.Number("SELECT EXISTS (SELECT 1 FROM purged_transactions WHERE transaction_id = ?1)", transactionId) == 1;

    private void CarryOut(FeedbackCommand command)
    {
        CommandOrder? place = PlaceOf(session, "SELECT accepted_at, command_id FROM feedback WHERE transaction_id = ?1", command.TransactionId);
        if (!command.Order.IsAfter(place) || IsBuried(session, command.TransactionId))
        {
            return;
        }

        string? verdict = command.Verdict is { } given ? CommandNames.Of(given) : null;
        bool isScored = session.Number(
            "SELECT EXISTS (SELECT 1 FROM anomaly_transactions WHERE transaction_id = ?1 AND status = 'scored')", command.TransactionId) == 1;
        session.Execute(
            """
            INSERT INTO feedback (transaction_id, verdict, is_waiting, accepted_at, command_id) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (transaction_id) DO UPDATE SET verdict = ?2, is_waiting = ?3, accepted_at = ?4, command_id = ?5
            """,
            command.TransactionId, verdict, isScored ? 0 : 1, command.AcceptedAt, command.Id);
        if (isScored)
        {
            SetVerdict(command.TransactionId, verdict, isNewPlace: true);
        }
    }

    private void CarryOut(SensitivityCommand command)
    {
        var key = SensitivityKey.Of(command.UserId, command.CategoryId);
        const string placeSql = "SELECT accepted_at, command_id FROM sensitivity WHERE user_id = ?1 AND category_id = ?2 AND is_snooze = ?3";
        CommandOrder? lasting = PlaceOf(session, placeSql, key.UserId, key.CategoryId, 0);
        CommandOrder? snooze = PlaceOf(session, placeSql, key.UserId, key.CategoryId, 1);
        bool isSnooze = command.Until is not null;
        if (!command.Order.IsAfter(lasting) || (isSnooze && !command.Order.IsAfter(snooze)) || IsErased(session, key.UserId, command.AcceptedAt))
        {
            return;
        }

        session.Execute(
            """
            INSERT INTO sensitivity (user_id, category_id, is_snooze, level, minimum_amount, until, accepted_at, command_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (user_id, category_id, is_snooze) DO UPDATE
                SET level = ?4, minimum_amount = ?5, until = ?6, accepted_at = ?7, command_id = ?8
            """,
            key.UserId, key.CategoryId, isSnooze ? 1 : 0, command.Level is { } level ? CommandNames.Of(level) : null, command.MinimumAmount?.Units,
            command.Until, command.AcceptedAt, command.Id);
        if (!isSnooze && command.Order.IsAfter(snooze))
        {
            // A lasting setting ends the snooze before it.
            session.Execute("DELETE FROM sensitivity WHERE user_id = ?1 AND category_id = ?2 AND is_snooze = 1", key.UserId, key.CategoryId);
        }
    }

    // The rows themselves are deleted after the commit, in pieces; until then the marker keeps new ones from being written.
    private void CarryOut(EraseUserCommand command)
    {
        if (command.Order.IsAfter(PlaceOf(session, "SELECT accepted_at, command_id FROM erased_users WHERE user_id = ?1", command.UserId)))
        {
            session.Execute(
                """
                INSERT INTO erased_users (user_id, accepted_at, command_id) VALUES (?1, ?2, ?3)
                ON CONFLICT (user_id) DO UPDATE SET accepted_at = ?2, command_id = ?3, completed_at = NULL
                """,
                command.UserId, command.AcceptedAt, command.Id);
        }
    }

    private void Bury(Guid transactionId)
    {
        session.Execute(
            "INSERT INTO purged_transactions (transaction_id, purged_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING", transactionId, now);
        session.Execute("DELETE FROM feedback WHERE transaction_id = ?1", transactionId);
    }
}
