using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;

namespace FinanceIngest.Retention;

/// <summary>
/// Erases a person's data: rows, alerts, baselines, and the transactions in poison messages. Messages on the inbound queue are out of reach, because a queue
/// can't be searched, and so are alerts already sent.
/// </summary>
public sealed class UserErasure(IRetentionStore store, PoisonErasure poison, Queues queues)
{
    /// <summary>
    /// Erases everything that can be reached. The call may be repeated: a repeat finishes an interrupted erasure, and finds transactions that were scored
    /// since.
    /// </summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or the process may not delete rows; the erasure has to be
    /// repeated.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the erasure has to be repeated.</exception>
    public async Task<ErasureOutcome> EraseAsync(long userId, CancellationToken cancellationToken)
    {
        // Rows are erased before messages, because only the messages tell which rows without a user belong to this person.
        RemovedRows rows = default;
        PoisonErasureOutcome messages = await poison.EraseAsync(
            userId, async transactions => rows += await store.EraseUserAsync(userId, transactions, cancellationToken), cancellationToken);
        QueueDepth inbound = await queues.Inbound.GetDepthAsync(cancellationToken);
        return new ErasureOutcome(rows, messages, inbound.Length);
    }
}

/// <summary>The result of an erasure.</summary>
/// <param name="Rows">The numbers of deleted rows.</param>
/// <param name="Poison">The changes to poison messages.</param>
/// <param name="InboundMessages">
/// The number of messages on the inbound queue. They may hold transactions of this person, so the erasure has to be repeated when they are scored.
/// </param>
public sealed record ErasureOutcome(RemovedRows Rows, PoisonErasureOutcome Poison, long InboundMessages);
