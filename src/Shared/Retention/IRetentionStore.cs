using FinanceIngest.Ground;

namespace FinanceIngest.Retention;

/// <summary>
/// Takes rows away for good. Each one leaves a tombstone (id and time) in <c>purged_transactions</c>, in the same transaction, so that a
/// repeat stays a repeat. Works in short transactions of <see cref="ChunkSize"/> rows: what workers write at the same time waits for one
/// of them at most. A chunk that was committed stays; repeating the call does the rest.
/// </summary>
public interface IRetentionStore
{
    /// <summary>Rows of <c>anomaly_transactions</c> that one transaction takes away.</summary>
    const int ChunkSize = 1000;

    /// <summary>
    /// Removes the rows that were scored, or failed, before an instant (<c>created_at</c>), with their alerts and recorded repeats. A row
    /// whose alert is still unsent stays until it is sent: retention loses no alert.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or its user may not delete rows.</exception>
    Task<RemovedRows> PurgeAsync(DateTime before, CancellationToken cancellationToken);

    /// <summary>
    /// Removes everything about a user: rows, alerts (unsent ones too), recorded repeats, baselines and the baselines of the older system
    /// that they superseded.
    /// </summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="nameless">Transactions of that user whose row may not say so, because its user could not be read.</param>
    /// <param name="cancellationToken">Stops between two transactions.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or its user may not delete rows.</exception>
    Task<RemovedRows> EraseUserAsync(long userId, IReadOnlyCollection<Guid> nameless, CancellationToken cancellationToken);
}

/// <summary>What was removed.</summary>
/// <param name="Transactions">Rows of <c>anomaly_transactions</c>; each left a tombstone.</param>
/// <param name="RepeatConflicts">Rows of <c>repeat_conflicts</c>.</param>
/// <param name="Alerts">Rows of <c>alert_outbox</c>.</param>
/// <param name="UnsentAlerts">Those of them that will now never be sent.</param>
/// <param name="Baselines">Rows of <c>anomaly_stats</c> and <c>anomaly_stats_superseded</c>.</param>
public readonly record struct RemovedRows(long Transactions = 0, long RepeatConflicts = 0, long Alerts = 0, long UnsentAlerts = 0, long Baselines = 0)
{
    /// <summary>Both together.</summary>
    public static RemovedRows operator +(RemovedRows a, RemovedRows b) => new(
        a.Transactions + b.Transactions, a.RepeatConflicts + b.RepeatConflicts, a.Alerts + b.Alerts, a.UnsentAlerts + b.UnsentAlerts, a.Baselines + b.Baselines);
}
