using FinanceIngest.Ground;

namespace FinanceIngest.Overview;

/// <summary>What the database knows of the installation as a whole.</summary>
public interface IOverviewStore
{
    /// <summary>Whether a read wakes nothing: the database is a file, or other work used it within the last seconds, so that it does not sleep.</summary>
    bool IsAwake { get; }

    /// <summary>Reads the figures in one round trip.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<DatabaseFigures> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>The database's figures at one instant.</summary>
/// <param name="AsOf">When they were read (UTC).</param>
/// <param name="UnsentAlerts">Alerts that were written with their anomaly and are not on the alert queue yet; ≥ 0.</param>
/// <param name="LastBatch">The batch that was written last; null: none was, or its place in the feed has been removed.</param>
/// <param name="Processes">Processes that wrote a batch within the last seven days, the last one first; at most <see cref="ProcessSeen.MostListed"/>.</param>
public sealed record DatabaseFigures(DateTime AsOf, long UnsentAlerts, LastBatch? LastBatch, IReadOnlyList<ProcessSeen> Processes);

/// <summary>A batch that a worker wrote in one transaction.</summary>
/// <param name="At">When it was written (UTC), to the millisecond of its writer's clock.</param>
/// <param name="Transactions">Rows that it wrote, as far as no later batch has taken them over; ≥ 0.</param>
public sealed record LastBatch(DateTime At, long Transactions);
