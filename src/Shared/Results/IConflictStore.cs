using FinanceIngest.Ground;

namespace FinanceIngest.Results;

/// <summary>Reads the repeats that differ from the transaction that was scored first under their id.</summary>
public interface IConflictStore
{
    /// <summary>At most <paramref name="limit"/> recorded repeats, the latest first.</summary>
    /// <param name="before">Continues behind a repeat that was read (<see cref="RepeatConflict.Number"/>); null: from the latest.</param>
    /// <param name="limit">≥ 1.</param>
    /// <param name="cancellationToken">Abandons the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<RepeatConflict>> ReadAsync(long? before, int limit, CancellationToken cancellationToken);
}

/// <summary>A repeat that differs.</summary>
/// <param name="Number">The record's number; later ones have higher numbers.</param>
/// <param name="TransactionId">The id of both.</param>
/// <param name="First">The transaction that stands; null when its row has been removed since.</param>
/// <param name="Repeat">The later transaction, which has no row.</param>
/// <param name="AcceptedAt">When the repeat was accepted (UTC).</param>
/// <param name="RecordedAt">When it was recorded (UTC).</param>
/// <param name="Beyond">Later repeats of the same id that were counted and not recorded; ≥ 0.</param>
public sealed record RepeatConflict(
    long Number, Guid TransactionId, TransactionFacts? First, TransactionFacts Repeat, DateTime AcceptedAt, DateTime RecordedAt, long Beyond);

/// <summary>What a client said of a transaction.</summary>
/// <param name="UserId">The user; null when a failed transaction's could not be read, as for the other fields.</param>
/// <param name="CategoryId">The category.</param>
/// <param name="Amount">The amount, in the currency's unit, with at most four decimals.</param>
/// <param name="OccurredAt">When it occurred (UTC).</param>
public sealed record TransactionFacts(long? UserId, long? CategoryId, decimal? Amount, DateTime? OccurredAt);
