using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// Records failed attempts against a message that failed, or ended its process, when it was scored alone, and gives it up in the end: its transactions become
/// failed, and the message poison.
/// </summary>
internal sealed partial class FailedMessages(
    IPoisonStore store, BatchScorer scorer, EnvelopeReader reader, MessageSettler settler, Telemetry telemetry, ILogger<FailedMessages> logger)
{
    /// <summary>A message that by itself has failed, or ended a process of its own, this often is poison.</summary>
    public const int MaximumAttempts = 5;

    /// <summary>Counts a failure of a message that was scored alone. The message comes again after a pause, or goes to the poison queue.</summary>
    /// <param name="outcome">Ended as <see cref="ScoringEnd.Failed"/> or <see cref="ScoringEnd.EndedTheProcess"/>.</param>
    /// <param name="hand">Holds the message.</param>
    /// <param name="abandon">Ends the work; the message is then given back.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached.</exception>
    public async Task CountAsync(ScoringOutcome outcome, MessagesInHand hand, CancellationToken abandon)
    {
        ScoringFailure failure = outcome.Failure!;
        LeasedMessage message = outcome.Deliveries[0].Message;
        bool hasFailed = outcome.End == ScoringEnd.Failed;
        string reason = SafeText.Cut(hasFailed ? $"it failed by itself: {failure.Reason}" : failure.Reason, Delivery.LongestReason);
        int attempts = await store.CountAttemptAsync(message.Id, reason, abandon);
        if (attempts < MaximumAttempts)
        {
            telemetry.Retried("message");
            Log.Failed(logger, message.Id, attempts, MaximumAttempts, SafeText.Cut(failure.Loggable ?? reason, ScoringFailure.LongestException));
            await hand.DelayAsync(message, TimeSpan.FromSeconds(Math.Pow(2, attempts)));
            return;
        }

        if (await GiveUpAsync(outcome, message, reason, attempts, hand.Leases, abandon))
        {
            await settler.AnnounceAsync(mayHaveUnsentAlerts: false, hand);
            await settler.MoveToPoisonAsync(message, hasFailed ? $"it has failed by itself {attempts} times" : reason, hand);
        }
    }

    private async Task<bool> GiveUpAsync(
        ScoringOutcome outcome, LeasedMessage message, string reason, int attempts, ILeaseHolder leases, CancellationToken abandon)
    {
        if (outcome.End == ScoringEnd.Failed)
        {
            try
            {
                Delivery delivery = outcome.Deliveries[0];
                return await scorer.GiveUpAsync(
                    new Delivery(message) { TraceParent = delivery.TraceParent },
                    outcome.FailedWith(reason),
                    reason,
                    outcome.Failure!.Exception,
                    attempts,
                    leases,
                    abandon);
            }
            catch (Exception e) when (MessageScorer.IsFaultOfMessages(e))
            {
                // What is bad about the transactions also keeps their failed rows from being written. The rows below say nothing but that they failed.
            }
        }

        // The transactions were acknowledged, so they end as failed. Their ids are found without reading the message once more.
        Delivery unread = reader.FindIds(message, reason);
        return await scorer.GiveUpAsync(unread, unread.Unreadable, reason, outcome.Failure!.Exception, attempts, leases, abandon);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Message {Id}: failed attempt {Attempts} of {Maximum}: {Problem}")]
        public static partial void Failed(ILogger logger, string id, int attempts, int maximum, string problem);
    }
}
