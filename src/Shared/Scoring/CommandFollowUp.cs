using FinanceIngest.Commands;
using FinanceIngest.Ground;
using FinanceIngest.Learning;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// Finishes commands whose batch is committed and whose message is not deleted yet: what can't be done within the batch's transaction, because it takes too
/// long. Each step may be repeated, so that a crash in between does no harm.
/// </summary>
internal sealed partial class CommandFollowUp(
    IRetentionStore store, ILearningStore learning, UserErasure erasure, ICommandProgress progress, INotificationDestinationStore destinations,
    TimeProvider time, ILogger<CommandFollowUp> logger)
{
    /// <summary>
    /// Lets rows teach what verdicts say, erases users, removes rows of withdrawn transactions, as far as the batch's transaction could not, and adds and takes
    /// back addresses of users.
    /// </summary>
    /// <param name="committed">The deliveries.</param>
    /// <param name="counts">What the commit changed.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the messages come again.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the messages come again.</exception>
    public async Task FinishAsync(IReadOnlyList<Delivery> committed, WriteCounts counts, CancellationToken cancellationToken)
    {
        // A verdict that came before its transaction meets the row when that is written, or did so in a delivery that was not finished.
        bool mayMeet = counts.Verdicts > 0 || counts.Repeats > 0;
        await learning.SettleVerdictsAsync(
            [
                .. committed.SelectMany(static delivery => delivery.Commands).OfType<FeedbackCommand>().Select(static command => command.TransactionId),
                .. mayMeet ? committed.SelectMany(static delivery => delivery.Transactions).Select(static transaction => transaction.Id) : [],
            ],
            cancellationToken);
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

        foreach (Command command in committed.SelectMany(static delivery => delivery.Commands))
        {
            switch (command)
            {
                case DestinationCommand destination:
                    await AddAsync(destination, cancellationToken);
                    break;
                case RemoveDestinationCommand removal:
                    await destinations.TakeBackAsync(removal.UserId, removal.DestinationId, removal.AcceptedAt, cancellationToken);
                    break;
            }
        }
    }

    private async Task AddAsync(DestinationCommand command, CancellationToken cancellationToken)
    {
        if (DestinationFields.FromJson(command.Destination, command.Id, command.UserId, command.AcceptedAt) is { } destination)
        {
            await destinations.PutAsync(destination, cancellationToken);
        }
        else
        {
            // The intake has checked it: this machine knows less than the intake's, for instance of time zones.
            Log.Unusable(logger, command.Id);
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

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The address {Id} of a user is not added: this machine can't use it, for instance because it lacks the time zone.")]
        public static partial void Unusable(ILogger logger, Guid id);
    }
}
