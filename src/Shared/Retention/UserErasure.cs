using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;

namespace FinanceIngest.Retention;

/// <summary>
/// Erases a person's data: rows, alerts, baselines, the transactions in poison messages, and on embedded queues what waits there. Messages on a queue in Azure
/// Storage are out of reach, because such a queue can't be searched, and so are alerts already fetched.
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
        // Tombstones come first: a worker that has a message in hand then writes no row for it, and a message that is gone leaves no id that reads pending.
        Dictionary<string, Redaction>? waiting = await poison.FindAsync(queues.Inbound, userId, cancellationToken);
        await store.BuryAsync([.. (waiting ?? []).Values.SelectMany(redaction => redaction.Removed)], cancellationToken);

        // Rows are erased before messages, because only the messages tell which rows without a user belong to this person.
        RemovedRows rows = default;
        PoisonErasureOutcome messages = await poison.EraseAsync(
            userId, async transactions => rows += await store.EraseUserAsync(userId, transactions, acceptedUntil: null, cancellationToken), cancellationToken);
        QueueRewrite inbound = await queues.Inbound.RewriteAsync((id, _) => Change(waiting, id), cancellationToken) ?? default;
        int queuedAlerts = await EraseAlertsAsync(userId, cancellationToken);
        bool isForgotten = await ForgetDeletedAsync(cancellationToken);
        return new ErasureOutcome(
            rows, messages, waiting is null ? (await queues.Inbound.GetDepthAsync(cancellationToken)).Length : inbound.InHand)
        {
            WaitingTransactions = waiting?.Values.Sum(redaction => redaction.Removed.Count) ?? 0,
            QueuedAlerts = queuedAlerts,
            IsForgotten = isForgotten,
        };
    }

    /// <summary>
    /// Erases what was accepted up to an instant, as the command <c>erase_user</c> does, whose marker is committed: what still waits on the inbound queue gets
    /// no row when it is scored, and stays there until then. The call may be repeated.
    /// </summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="acceptedUntil">UTC, whole microseconds.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the erasure has to be repeated.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the erasure has to be repeated.</exception>
    internal async Task EraseAcceptedUntilAsync(long userId, DateTime acceptedUntil, CancellationToken cancellationToken)
    {
        await poison.EraseAsync(
            userId, async transactions => await store.EraseUserAsync(userId, transactions, acceptedUntil, cancellationToken), cancellationToken);
        await EraseAlertsAsync(userId, cancellationToken);
        await ForgetDeletedAsync(cancellationToken);
    }

    /// <returns>Messages of alerts that were changed or removed.</returns>
    private async Task<int> EraseAlertsAsync(long userId, CancellationToken cancellationToken)
    {
        int changed = 0;
        foreach (IMessageQueue queue in new[] { queues.Alerts, queues.AlertPoison }.OfType<IMessageQueue>())
        {
            Dictionary<string, Redaction>? alerts = await poison.FindAsync(queue, userId, cancellationToken);
            changed += (await queue.RewriteAsync((id, _) => Change(alerts, id), cancellationToken) ?? default).Changed;
        }

        return changed;
    }

    private async Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken)
    {
        bool isForgotten = await store.ForgetDeletedAsync(cancellationToken);
        foreach (IMessageQueue queue in queues.All)
        {
            isForgotten &= await queue.ForgetDeletedAsync(cancellationToken);
        }

        return isForgotten;
    }

    private static MessageRewrite? Change(Dictionary<string, Redaction>? found, string id) =>
        found is not null && found.TryGetValue(id, out Redaction? redaction) ? new MessageRewrite(redaction.Remainder) : null;
}

/// <summary>The result of an erasure.</summary>
/// <param name="Rows">The numbers of deleted rows.</param>
/// <param name="Poison">The changes to poison messages.</param>
/// <param name="InboundMessages">
/// The number of messages on the inbound queue that may hold transactions of this person: all, where the queue can't be searched; otherwise those that a worker
/// had in hand. The erasure has to be repeated when they are scored.
/// </param>
public sealed record ErasureOutcome(RemovedRows Rows, PoisonErasureOutcome Poison, long InboundMessages)
{
    /// <summary>Transactions that were taken from the inbound queue, and never get a row.</summary>
    public long WaitingTransactions { get; init; }

    /// <summary>Alerts that were taken from the alert queue.</summary>
    public long QueuedAlerts { get; init; }

    /// <summary>Whether what was deleted can't be read in any file any more; false: programs were in the way, and the erasure has to be repeated.</summary>
    public bool IsForgotten { get; init; } = true;
}
