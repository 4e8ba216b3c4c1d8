using FinanceIngest.Commands;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Retention;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>
/// Finishes commands whose batch is committed and whose message is not deleted yet: what can't be done within the batch's transaction, because it takes too
/// long. Each step may be repeated, so that a crash in between does no harm.
/// </summary>
internal sealed class CommandFollowUp(IRetentionStore store, UserErasure erasure, ICommandProgress progress, TimeProvider time)
{
    /// <summary>Erases users, and removes rows of withdrawn transactions that the batch's transaction could not.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the messages come again.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the messages come again.</exception>
    public async Task FinishAsync(IReadOnlyList<Delivery> committed, CancellationToken cancellationToken)
    {
        Guid[] withdrawn =
        [
            .. committed.SelectMany(static delivery => delivery.Commands).OfType<WithdrawCommand>().Select(static command => command.TransactionId),
            .. committed.SelectMany(static delivery => delivery.Transactions).Select(static transaction => transaction.Replaces).OfType<Guid>(),
        ];
        if (withdrawn.Length > 0)
        {
            await store.RemoveBuriedAsync(withdrawn, cancellationToken);
        }

        foreach (EraseUserCommand command in committed.SelectMany(static delivery => delivery.Commands).OfType<EraseUserCommand>())
        {
            await EraseAsync(command, cancellationToken);
        }
    }

    private async Task EraseAsync(EraseUserCommand command, CancellationToken cancellationToken)
    {
        // A command that was delivered again, or overtaken by a later one, has nothing left to do.
        Erasure? marker = await progress.FindErasureAsync(command.UserId, cancellationToken);
        if (marker is { CompletedAt: null } && marker.AcceptedAt == command.AcceptedAt)
        {
            await erasure.EraseAcceptedUntilAsync(command.UserId, command.AcceptedAt, cancellationToken);
            await progress.CompleteErasureAsync(command, time.UtcNowMicroseconds(), cancellationToken);
        }
    }
}
