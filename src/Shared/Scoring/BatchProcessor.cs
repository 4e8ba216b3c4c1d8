using System.Diagnostics;
using FinanceIngest.Alerts;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// Takes received messages to their end. The order of effects is the design: SQL commits, then the marker of unsent alerts is on the queue,
/// then messages are deleted; a crash in between means redelivery, and unique keys make redelivery harmless.
/// </summary>
internal sealed partial class BatchProcessor(
    Queues queues, BatchScorer scorer, MessageScorer messageScorer, IIsolation isolation, IPoisonStore failures, IAlertOutbox outbox, AlertMarker marker, IdCertifier ids,
    TimeProvider time, ScoringEvents events, Telemetry telemetry, ILogger<BatchProcessor> logger)
{
    /// <summary>A message that by itself has failed, or ended a process of its own, this often is poison.</summary>
    public const int MaximumAttempts = 5;

    /// <summary>
    /// Received more often than this, a message is handled alone, in a process of its own. The count is no evidence: kills, lost leases and outages raise it too.
    /// </summary>
    public const int SuspectAfter = 5;

    private static readonly TimeSpan s_afterTooLong = TimeSpan.FromSeconds(10);
    private int _isWithoutIsolation;

    /// <summary>Scores and settles messages.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="askedAt">Timestamp from before they were asked for: their leases count from there.</param>
    /// <param name="abandon">Ends the work; what is not settled is given back.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the messages were given back.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the messages that were not settled were given back, or come again when their lease ends.</exception>
    /// <exception cref="OperationCanceledException">Abandoned; the messages were given back.</exception>
    public async Task ProcessAsync(IReadOnlyList<LeasedMessage> messages, long askedAt, CancellationToken abandon)
    {
        long startedAt = telemetry.Now;
        Exception? failure = null;
        var leases = new LeaseKeeper(messages, askedAt, Deadlines.Lease, telemetry, time);
        await using (var hand = new MessagesInHand(messages, leases, time, logger, abandon))
        {
            try
            {
                await ScoreTogetherAsync([.. messages.Where(message => !IsSuspect(message)).Select(Decode)], hand, abandon);
                await ScoreSuspectsAsync([.. messages.Where(IsSuspect)], hand, abandon);
            }
            catch (Exception e)
            {
                failure = e;
                throw;
            }
            finally
            {
                telemetry.Processed(queues.Inbound.Name, messages.Count, startedAt, failure);
            }
        }
    }

    // The marker's text is our own constant.
    private static bool IsSuspect(LeasedMessage message) => message.DequeueCount > SuspectAfter && message.Text != InboundEnvelope.AlertMarkerText;

    private Delivery Decode(LeasedMessage message) => new(message, InboundMessage.Decode(queues.Inbound.Name, message, ids));

    private async Task ScoreTogetherAsync(List<Delivery> batch, MessagesInHand hand, CancellationToken abandon)
    {
        if (batch.Count == 0)
        {
            return;
        }

        using Activity? span = telemetry.StartProcess(queues.Inbound.Name, batch);
        ScoredCounts scored;
        try
        {
            scored = await scorer.ScoreAsync(batch, hand.Leases, abandon);
        }
        catch (Exception e) when (MessageScorer.IsFaultOfMessages(e) && batch.Count > 1)
        {
            // One of them fails all: the halves show which.
            Telemetry.Fail(span, e);
            Log.Splitting(logger, batch.Count, FailureText.Kind(e));
            await ScoreTogetherAsync(batch[..(batch.Count / 2)], hand, abandon);
            await ScoreTogetherAsync(batch[(batch.Count / 2)..], hand, abandon);
            return;
        }
        catch (Exception e) when (MessageScorer.IsFaultOfMessages(e))
        {
            Telemetry.Fail(span, e);
            var outcome = IsolatedOutcome.Of(batch[0], await messageScorer.ScoreApartAsync(batch[0], e, hand.Leases, abandon));
            await SettleAloneAsync(batch[0].Lease, outcome, hand, abandon);
            return;
        }

        await SettleAsync(scored, hand);
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
                // Nobody can tell then what ends the process, so that nothing is counted.
                if (Interlocked.Exchange(ref _isWithoutIsolation, 1) == 0)
                {
                    Log.NoIsolation(logger, problem);
                }

                await ScoreTogetherAsync([Decode(suspect)], hand, abandon);
                continue;
            }

            // A whole lease for it, longer than it may take.
            await hand.Leases.RenewAsync(suspect).WaitAsync(abandon);
            if (hand.Leases.IsHeld(suspect))
            {
                await ScoreSuspectAsync(suspect, isolated, hand, abandon);
            }
        }
    }

    /// <summary>A message that was received very often, in a process of its own: this one stays to count what it does to it.</summary>
    private async Task ScoreSuspectAsync(LeasedMessage message, IIsolatedScorer isolated, MessagesInHand hand, CancellationToken abandon)
    {
        IsolatedOutcome outcome = await isolated.ScoreAsync(message, hand.Leases.HeldUntil(message), abandon);
        switch (outcome.End)
        {
            case IsolatedEnd.DatabaseUnavailable:
                throw new StoreUnavailableException(new IOException(outcome.Problem));
            case IsolatedEnd.TookTooLong:
                telemetry.Retried("message");
                Log.TookTooLong(logger, message.Id, outcome.Problem!);
                await hand.DelayAsync(message, s_afterTooLong);
                break;
            case IsolatedEnd.EndedTheProcess:
                // Its transactions were acknowledged: they end as failed, found without reading it once more.
                var unread = InboundMessage.FindIds(message, ids, outcome.Problem!);
                await CountFailureAsync(new Delivery(message, unread), unread.Unreadable, outcome.Problem!, outcome, hand, abandon);
                break;
            default:
                telemetry.Written(outcome.Counts.Observed(outcome.NotScored.Count(item => item.Error is not null && item.Id is not null)));
                await SettleAloneAsync(message, outcome, hand, abandon);
                break;
        }
    }

    /// <summary>What is committed is told; what is not is counted against the message, and given up in the end.</summary>
    private async Task SettleAloneAsync(LeasedMessage message, IsolatedOutcome outcome, MessagesInHand hand, CancellationToken abandon)
    {
        await TellAsync(outcome.MayHaveUnsentAlerts, hand);
        switch (outcome)
        {
            case { End: IsolatedEnd.LeaseLost }:
                hand.Leases.Lose(message, "commit");
                break;
            case { End: IsolatedEnd.Failed }:
                var reread = new Delivery(message, InboundMessage.Empty(outcome.TraceParent));
                string reason = $"it failed by itself: {outcome.Problem}";
                await CountFailureAsync(reread, outcome.Unscored(reason), reason, outcome, hand, abandon);
                break;
            case { IsAlertMarker: true }:
                await SettleMarkerAsync(message, hand);
                break;
            case { PoisonReason: { } unread }:
                await MoveToPoisonAsync(message, unread, hand);
                break;
            default:
                await hand.DeleteAsync(message);
                break;
        }
    }

    private async Task CountFailureAsync(
        Delivery delivery, IEnumerable<UnreadableTransaction> failed, string reason, IsolatedOutcome outcome, MessagesInHand hand, CancellationToken abandon)
    {
        LeasedMessage message = delivery.Lease;
        int attempts = await failures.CountAttemptAsync(message.Id, reason, abandon);
        if (attempts < MaximumAttempts)
        {
            telemetry.Retried("message");
            Log.Failed(logger, message.Id, attempts, MaximumAttempts, outcome.Loggable ?? reason);
            await hand.DelayAsync(message, TimeSpan.FromSeconds(Math.Pow(2, attempts)));
            return;
        }

        bool isGivenUp;
        try
        {
            isGivenUp = await scorer.GiveUpAsync(delivery, failed, reason, outcome.Exception, attempts, hand.Leases, abandon);
        }
        catch (Exception e) when (MessageScorer.IsFaultOfMessages(e))
        {
            // What is bad about them also keeps their failed rows from being written: then these say nothing but that they failed.
            var unread = InboundMessage.FindIds(message, ids, reason);
            isGivenUp = await scorer.GiveUpAsync(new Delivery(message, unread), unread.Unreadable, reason, outcome.Exception, attempts, hand.Leases, abandon);
        }

        if (isGivenUp)
        {
            events.OnScored(mayHaveUnsentAlerts: false);
            await MoveToPoisonAsync(message, outcome.End == IsolatedEnd.Failed ? $"it has failed by itself {attempts} times" : reason, hand);
        }
    }

    private async Task SettleAsync(ScoredCounts scored, MessagesInHand hand)
    {
        if (scored.Held.Count == 0)
        {
            return;
        }

        await TellAsync(scored.MayHaveUnsentAlerts, hand);
        Log.Scored(logger, scored.Counts.Written, scored.Counts.Repeats, scored.Counts.Conflicts, scored.Counts.Alerts, scored.Held.Count);
        using Activity? span = telemetry.StartSettle(queues.Inbound.Name, scored.Held.Count);
        await Task.WhenAll(scored.Held.Select(delivery => SettleAsync(delivery, hand)));
    }

    private async Task TellAsync(bool mayHaveUnsentAlerts, MessagesInHand hand)
    {
        if (mayHaveUnsentAlerts)
        {
            await marker.RaiseAsync(hand.Settling);
        }

        events.OnScored(mayHaveUnsentAlerts);
    }

    private Task SettleAsync(Delivery delivery, MessagesInHand hand) => delivery.Content switch
    {
        { IsAlertMarker: true } => SettleMarkerAsync(delivery.Lease, hand),
        { PoisonReason: { } reason } => MoveToPoisonAsync(delivery.Lease, reason, hand),
        _ => hand.DeleteAsync(delivery.Lease),
    };

    // A marker that became visible: whoever put it there is gone or has no dispatcher. It stays for as long as alerts are unsent.
    private async Task SettleMarkerAsync(LeasedMessage message, MessagesInHand hand)
    {
        await hand.Leases.ReleaseAsync(message).WaitAsync(hand.Settling);
        if (await outbox.CountUnsentAsync(hand.Settling) == 0)
        {
            await marker.DropAsync(message, hand.Settling);
        }
        else
        {
            await marker.AdoptAsync(message, hand.Settling);
            events.OnScored(mayHaveUnsentAlerts: true);
        }

        hand.Close(message);
    }

    // The record and the failed rows are committed: a crash before the delete repeats both without effect. The record has what the log may not: messages of
    // exceptions, which quote data.
    private async Task MoveToPoisonAsync(LeasedMessage message, string reason, MessagesInHand hand)
    {
        telemetry.Poisoned();
        Log.Poison(logger, message.Id, reason);
        await queues.Poison.SendAsync(message.Text, TimeSpan.Zero, hand.Settling);
        await hand.DeleteAsync(message);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "{Written} written, {Repeats} repeats ({Conflicts} differ), {Alerts} alerts, from {Messages} messages.")]
        public static partial void Scored(ILogger logger, int written, int repeats, int conflicts, int alerts, int messages);

        [LoggerMessage(LogLevel.Warning, "A batch of {Count} messages failed and is halved: {Problem}")]
        public static partial void Splitting(ILogger logger, int count, string problem);

        [LoggerMessage(LogLevel.Warning, "Message {Id} has failed by itself, {Attempts} of {Maximum}: {Problem}")]
        public static partial void Failed(ILogger logger, string id, int attempts, int maximum, string problem);

        [LoggerMessage(LogLevel.Warning, "Message {Id} comes again: in a process of its own {Problem}.")]
        public static partial void TookTooLong(ILogger logger, string id, string problem);

        [LoggerMessage(LogLevel.Warning, "Messages that were received very often are handled within this process, because a child of it can't be started: {Problem}. What ends this process then comes again for ever.")]
        public static partial void NoIsolation(ILogger logger, string problem);

        [LoggerMessage(LogLevel.Error, "Message {Id} is poison: {Reason}")]
        public static partial void Poison(ILogger logger, string id, string reason);
    }
}
