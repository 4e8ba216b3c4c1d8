using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;

namespace FinanceIngest.Retention;

/// <summary>
/// Removes a person's data: rows, alerts, baselines, and what poison messages hold of them. What is under way is out of reach: messages on the
/// inbound queue (a queue has no way to find one), alerts that were sent.
/// </summary>
public sealed class UserErasure(IRetentionStore store, PoisonErasure poison, Queues queues)
{
    /// <summary>Removes everything that can be reached. Safe to repeat: that finishes what was cut off, and finds what was scored since.</summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or its user may not delete rows; repeat it.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; repeat it.</exception>
    public async Task<ErasureOutcome> EraseAsync(long userId, CancellationToken cancellationToken)
    {
        // Rows before messages: only the messages say which rows without a readable user are this one's.
        RemovedRows rows = default;
        PoisonErasureOutcome messages = await poison.EraseAsync(
            userId, async transactions => rows = await store.EraseUserAsync(userId, transactions, cancellationToken), cancellationToken);
        QueueDepth inbound = await queues.Inbound.GetDepthAsync(cancellationToken);
        return new ErasureOutcome(rows, messages, inbound.Length);
    }
}

/// <summary>What an erasure removed, and what it could not reach.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Poison">Poison messages.</param>
/// <param name="InboundMessages">Messages on the inbound queue, which may hold transactions of anybody: repeat the erasure when they are scored.</param>
public sealed record ErasureOutcome(RemovedRows Rows, PoisonErasureOutcome Poison, long InboundMessages);
