using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <summary>Keeps states what their rows say when rows leave the table, within the transaction in which they leave.</summary>
internal static class SqliteLearned
{
    /// <summary>The columns that <see cref="Read"/> reads.</summary>
    public const string Columns = "user_id, category_id, amount, occurred_at, contribution";

    /// <summary>What becomes of what a row taught when the row leaves.</summary>
    public enum Leaving
    {
        /// <summary>It stays in the carried sums, and its remembered amount ends.</summary>
        ByRetention,

        /// <summary>It goes as well.</summary>
        WithWhatItTaught,
    }

    /// <summary>Reads a row of <see cref="Columns"/>.</summary>
    public static Row Read(SqliteRow row) => row.GetBlobOrNull(4) is { } contribution
        ? new Row(
            StateKey.Of(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2) < 0), row.GetTime(3), Contribution.Read(contribution))
        : new Row(default, default, null);

    /// <summary>Changes the states of rows that leave.</summary>
    public static void TakeOut(SqliteSession session, IReadOnlyCollection<Row> rows, Leaving leaving)
    {
        if (!rows.Any(static row => row.Contribution is not null))
        {
            return;
        }

        StateBook states = SqliteStates.Load(session, rows.Where(static row => row.Contribution is not null).Select(static row => row.Key).Distinct());
        HashSet<StateKey> imprecise = [];
        foreach (Row row in rows)
        {
            if (row.Contribution is not { } contribution)
            {
                continue;
            }

            if (leaving == Leaving.ByRetention)
            {
                states.Carry(row.Key, contribution, row.OccurredAt);
            }
            else if (!states.Remove(row.Key, contribution, row.OccurredAt))
            {
                imprecise.Add(row.Key);
            }
        }

        foreach (StateKey key in imprecise)
        {
            states.Replace(key, SumAnew(session, key, states.CarriedOf(key)));
        }

        SqliteStates.Write(session, states.Changes());
    }

    /// <summary>Changes what a row contributes as a verdict on it does, and the states with it. The verdict itself is the caller's business.</summary>
    /// <param name="session">The session, in a write transaction.</param>
    /// <param name="transactionId">The row's transaction. A row that contributes nothing stays as it is.</param>
    /// <param name="verdict">The verdict that holds from now on; null: none does any more.</param>
    public static void Answer(SqliteSession session, Guid transactionId, FeedbackVerdict? verdict)
    {
        TaughtRow? taught = session.FirstOrDefault(
            """
            SELECT user_id, category_id, amount, occurred_at, contribution, original_contribution
            FROM anomaly_transactions WHERE transaction_id = ?1 AND contribution IS NOT NULL
            """,
            static row => (TaughtRow?)new TaughtRow(
                StateKey.Of(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2) < 0),
                new Money(row.GetInt64(2)).ToDouble(),
                row.GetTime(3),
                Contribution.Read(row.GetBlobOrNull(4)),
                row.GetBlobOrNull(5) is { } original ? Contribution.Read(original) : null),
            transactionId);
        if (taught is not { } before)
        {
            return;
        }

        StateBook states = SqliteStates.Load(session, [before.Key]);
        (TaughtRow after, bool isPrecise) = before.Answered(states, verdict);
        session.Execute(
            "UPDATE anomaly_transactions SET contribution = ?2, original_contribution = ?3 WHERE transaction_id = ?1",
            transactionId, after.Present.ToBytes(), after.Original?.ToBytes());
        if (!isPrecise)
        {
            states.Replace(before.Key, SumAnew(session, before.Key, states.CarriedOf(before.Key)));
        }

        SqliteStates.Write(session, states.Changes());
    }

    // A row went beside which the others are less than a billionth, so that the sums may hold nothing but its rounding: they are added up again.
    private static KeyState SumAnew(SqliteSession session, StateKey key, KeyState sum)
    {
        foreach (Row row in session.Query(
            $"""
            SELECT {Columns} FROM anomaly_transactions
            WHERE user_id = ?1 AND category_id = ?2 AND (amount < 0) = ?3 AND contribution IS NOT NULL
            """,
            Read,
            key.UserId, key.Category.CategoryId, key.Category.IsRefund ? 1 : 0))
        {
            sum.Apply(row.Contribution!.Value, row.OccurredAt);
        }

        return sum;
    }

    /// <summary>A row that leaves.</summary>
    /// <param name="Key">Its user and category.</param>
    /// <param name="OccurredAt">UTC.</param>
    /// <param name="Contribution">What it contributes; null: nothing.</param>
    internal sealed record Row(StateKey Key, DateTime OccurredAt, Contribution? Contribution);
}
