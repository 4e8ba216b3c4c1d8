using FinanceIngest.Ground;

namespace FinanceIngest.Retention;

/// <summary>
/// Deletes rows for good. The database transaction that deletes a row also adds its tombstone (id and time) to <c>purged_transactions</c>, so that a repeat of
/// the row is still recognised. Rows are deleted in short transactions of <see cref="ChunkSize"/> rows, so that a worker's write waits for one of them at
/// most, and the work rests after each (<see cref="BulkPace"/>). When a call fails, the chunks that were committed stay deleted, and repeating the call
/// deletes the rest.
/// </summary>
public interface IRetentionStore
{
    /// <summary>The largest number of rows of <c>anomaly_transactions</c> that one database transaction deletes.</summary>
    const int ChunkSize = 1000;

    /// <summary>
    /// Deletes the rows that were written before an instant (<c>created_at</c>), with their alerts and recorded repeats. A row whose alert is unsent stays
    /// until
    /// the alert is sent, so that retention loses no alert.
    /// </summary>
    /// <remarks>
    /// On SQL Server one process purges at a time: where another is at it, the call returns at once, with <see cref="RemovedRows.OthersAreAtIt"/>.
    /// </remarks>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or the process may not delete rows.</exception>
    Task<RemovedRows> PurgeAsync(DateTime before, CancellationToken cancellationToken);

    /// <summary>Adds tombstones for transactions that have no row yet, so that none ever appears. A row that is there already stays.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or the process may not add tombstones.</exception>
    Task BuryAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes the rows of transactions that have a tombstone, with what belongs to them and what they taught. On SQLite the transaction that writes a
    /// tombstone does so, and nothing is left here.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or the process may not delete rows.</exception>
    Task RemoveBuriedAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken);

    /// <summary>
    /// Makes what was deleted unreadable in the database's files, as far as they are this program's. False: other programs were in the way; the call has to be
    /// repeated. On SQL Server the log and the backups are the server's (<c>docs/operations.md</c> says what they keep).
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Deletes everything about a user: rows, alerts (sent or not), recorded repeats, verdicts, settings of alerts, baselines, and the baselines of the older
    /// system that these superseded. Errors of attempts that name the user's number lose their text.
    /// </summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="nameless">Ids of transactions of the user whose rows may lack the user, because the user's number could not be read.</param>
    /// <param name="acceptedUntil">Only what was accepted up to then, UTC; null: all.</param>
    /// <param name="cancellationToken">Stops between two database transactions.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or the process may not delete rows.</exception>
    Task<RemovedRows> EraseUserAsync(long userId, IReadOnlyCollection<Guid> nameless, DateTime? acceptedUntil, CancellationToken cancellationToken);
}

/// <summary>The numbers of deleted rows.</summary>
/// <param name="Transactions">Rows of <c>anomaly_transactions</c>; each left a tombstone.</param>
/// <param name="RepeatConflicts">Rows of <c>repeat_conflicts</c>.</param>
/// <param name="Alerts">Rows of <c>alert_outbox</c>.</param>
/// <param name="UnsentAlerts">Deleted alerts that were unsent, and now are never sent.</param>
/// <param name="Baselines">Rows of <c>anomaly_stats</c> and <c>anomaly_stats_superseded</c>.</param>
public readonly record struct RemovedRows(long Transactions = 0, long RepeatConflicts = 0, long Alerts = 0, long UnsentAlerts = 0, long Baselines = 0)
{
    /// <summary>Deleted states of detectors that learn.</summary>
    public long States { get; init; }

    /// <summary>Nothing was deleted, because another process is deleting the same rows at this moment.</summary>
    public bool OthersAreAtIt { get; init; }

    /// <summary>Adds the numbers.</summary>
    public static RemovedRows operator +(RemovedRows a, RemovedRows b) => new(
        a.Transactions + b.Transactions,
        a.RepeatConflicts + b.RepeatConflicts,
        a.Alerts + b.Alerts,
        a.UnsentAlerts + b.UnsentAlerts,
        a.Baselines + b.Baselines)
    {
        States = a.States + b.States,
    };
}
