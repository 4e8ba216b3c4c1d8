using System.Diagnostics;
using FinanceIngest.Alerts;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring.Isolation;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// Takes received messages to their end. The order of effects is the design: SQL commits, then the marker of unsent alerts is on the queue, then messages are
/// deleted; a crash in between means redelivery, and unique keys make redelivery harmless.
/// </summary>
internal sealed partial class BatchProcessor(
    EnvelopeReader reader, BatchScorer scorer, MessageScorer messageScorer, IIsolation isolation, MessageSettler settler, FailedMessages failures,
    ScoringEvents events, Telemetry telemetry, TimeProvider time, ILogger<BatchProcessor> logger)
{
    /// <summary>
    /// A message received more often than this is handled alone, in a process of its own. The count is no evidence against it: kills, lost leases and outages
    /// raise it too.
    /// </summary>
    public const int SuspectAfter = 5;

    private static readonly TimeSpan s_afterTooLong = TimeSpan.FromSeconds(10);
    private int _isWithoutIsolation;

    /// <summary>Scores and settles messages.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="askedAt">Timestamp from before the queue was asked for them: their leases count from there.</param>
    /// <param name="abandon">Ends the work; messages that are not settled are given back.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the messages were given back.</exception>
    /// <exception cref="QueueUnavailableException">
    /// A queue can't be reached; the messages that were not settled were given back, or come again when their lease ends.
    /// </exception>
    /// <exception cref="OperationCanceledException">Abandoned; the messages were given back.</exception>
    public async Task ProcessAsync(IReadOnlyList<LeasedMessage> messages, long askedAt, CancellationToken abandon)
    {
        long startedAt = telemetry.Now;
        Exception? failure = null;
        var leases = new LeaseKeeper(messages, askedAt, Deadlines.Lease, telemetry, time);
        await using var hand = new MessagesInHand(messages, leases, time, logger, abandon);
        try
        {
            ILookup<Handling, LeasedMessage> sorted = messages.ToLookup(HandlingOf);
            foreach (List<Delivery> part in scorer.Limit.Divide([.. sorted[Handling.Together].Select(reader.Read)]))
            {
                await ScoreTogetherAsync(part, hand, abandon);
            }

            await ScoreSuspectsAsync([.. sorted[Handling.Alone]], hand, abandon);
            foreach (LeasedMessage marker in sorted[Handling.Marker])
            {
                await settler.SettleMarkerAsync(marker, hand);
            }
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            telemetry.Processed(reader.Queue, messages.Count, startedAt, failure);
        }
    }

    private static Handling HandlingOf(LeasedMessage message) =>
        AlertMarker.IsMarker(message) ? Handling.Marker
        : message.DequeueCount > SuspectAfter ? Handling.Alone
        : Handling.Together;

    private async Task ScoreTogetherAsync(List<Delivery> batch, MessagesInHand hand, CancellationToken abandon)
    {
        if (batch.Count == 0)
        {
            return;
        }

        using Activity? span = telemetry.StartProcess(reader.Queue, batch);
        if (batch.Count == 1)
        {
            await SettleAsync(await messageScorer.ScoreAsync(batch[0], hand.Leases, abandon), hand, abandon);
            return;
        }

        ScoringOutcome outcome;
        try
        {
            outcome = await scorer.ScoreAsync(batch, hand.Leases, abandon);
        }
        catch (StoreUnavailableException e) when (e.WasTooMuch)
        {
            // An outage like others: the messages are given back, nothing is counted against them, and they come again in smaller batches.
            Telemetry.Fail(span, e);
            Log.TooMuch(logger, batch.Sum(delivery => delivery.Transactions.Count), scorer.Limit.Most);
            throw;
        }
        catch (Exception e) when (MessageScorer.IsFaultOfMessages(e))
        {
            // One message fails all of them: the halves show which.
            Telemetry.Fail(span, e);
            Log.Splitting(logger, batch.Count, FailureText.Kind(e));
            await ScoreTogetherAsync(batch[..(batch.Count / 2)], hand, abandon);
            await ScoreTogetherAsync(batch[(batch.Count / 2)..], hand, abandon);
            return;
        }

        await SettleAsync(outcome, hand, abandon);
    }

    private async Task ScoreSuspectsAsync(List<LeasedMessage> suspects, MessagesInHand hand, CancellationToken abandon)
    {
        if (suspects.Count == 0)
        {
            return;
        }

        await using IIsolatedScorer isolated = isolation.Open();
        foreach (LeasedMessage suspect in suspects)
        {
            if (await isolated.PrepareAsync(abandon) is { } problem)
            {
                await ScoreWithoutIsolationAsync(suspect, problem, hand, abandon);
                continue;
            }

            // The message gets a whole lease, which is longer than its scoring may take.
            await hand.Leases.RenewAsync(suspect).WaitAsync(abandon);
            if (hand.Leases.IsHeld(suspect))
            {
                ScoringOutcome outcome = await isolated.ScoreAsync(suspect, hand.Leases.HeldUntil(suspect), abandon);

                // A child exports nothing itself, and tells nobody here.
                events.OnWritten(null);
                telemetry.Written(outcome.Counts.Observed(outcome.NotScored.Count(item => item.Error is not null && item.Id is not null)));
                await SettleAsync(outcome.For(suspect), hand, abandon);
            }
        }
    }

    // Should the message end this process, nobody is left to tell: nothing is counted against it.
    private async Task ScoreWithoutIsolationAsync(LeasedMessage suspect, string problem, MessagesInHand hand, CancellationToken abandon)
    {
        if (Interlocked.Exchange(ref _isWithoutIsolation, 1) == 0)
        {
            Log.NoIsolation(logger, problem);
        }

        await ScoreTogetherAsync([reader.Read(suspect)], hand, abandon);
    }

    /// <summary>Settles committed messages, and records a failed attempt against a message that failed when it was scored alone.</summary>
    private async Task SettleAsync(ScoringOutcome outcome, MessagesInHand hand, CancellationToken abandon)
    {
        switch (outcome.End)
        {
            case ScoringEnd.Committed:
                await settler.SettleAsync(outcome, hand);
                break;
            case ScoringEnd.Failed:
                await settler.AnnounceAsync(outcome.MayHaveUnsentAlerts, hand);
                await failures.CountAsync(outcome, hand, abandon);
                break;
            case ScoringEnd.LeaseLost:
                await settler.AnnounceAsync(outcome.MayHaveUnsentAlerts, hand);
                hand.Leases.Lose(outcome.Deliveries[0].Message, "commit");
                break;
            case ScoringEnd.EndedTheProcess:
                await failures.CountAsync(outcome, hand, abandon);
                break;
            case ScoringEnd.TookTooLong:
                telemetry.Retried("message");
                Log.TookTooLong(logger, outcome.Deliveries[0].Message.Id, outcome.Failure!.Reason);
                await hand.DelayAsync(outcome.Deliveries[0].Message, s_afterTooLong);
                break;
            default:
                throw new StoreUnavailableException(new IOException(outcome.Failure!.Reason));
        }
    }

    /// <summary>How a received message is handled.</summary>
    private enum Handling
    {
        /// <summary>Scored in one batch with others.</summary>
        Together,

        /// <summary>Scored alone, in a process of its own: it was received very often.</summary>
        Alone,

        /// <summary>The marker of unsent alerts, which holds no transactions.</summary>
        Marker,
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "A batch of {Count} messages failed and is halved: {Problem}")]
        public static partial void Splitting(ILogger logger, int count, string problem);

        [LoggerMessage(
            LogLevel.Warning,
            "The database did not finish a write of {Count} transactions in time; the next have {Most} at most, and more again once they are quick.")]
        public static partial void TooMuch(ILogger logger, int count, int most);

        [LoggerMessage(LogLevel.Warning, "Message {Id} was not scored in its child process and comes again in 10 s: {Problem}")]
        public static partial void TookTooLong(ILogger logger, string id, string problem);

        [LoggerMessage(
            LogLevel.Warning,
            "Messages that were received very often are handled within this process, because no child process could be started ({Problem}). "
            + "A message that ends this process then comes again for ever.")]
        public static partial void NoIsolation(ILogger logger, string problem);
    }
}
