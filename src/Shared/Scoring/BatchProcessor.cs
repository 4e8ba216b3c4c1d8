using System.Diagnostics;
using FinanceIngest.Alerts;
using FinanceIngest.Observability;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Storage;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// Takes received messages to their end. The order of effects is the design: SQL commits, then the marker of unsent alerts is on the queue,
/// then messages are deleted; a crash in between means redelivery, and unique keys make redelivery harmless.
/// </summary>
public sealed partial class BatchProcessor(
    Queues queues, BatchScorer scorer, IPoisonStore failures, IAlertOutbox outbox, AlertMarker marker, IdCertifier ids, TimeProvider time,
    ScoringEvents events, Telemetry telemetry, ILogger<BatchProcessor> logger)
{
    /// <summary>A message that by itself has failed this often is poison.</summary>
    public const int MaximumAttempts = 5;

    /// <summary>
    /// Received more often than this, a message is handled alone. The count is no evidence: kills, lost leases and outages raise it too.
    /// </summary>
    public const int SuspectAfter = 5;

    private const string EndedTheProcess = "it has ended the process while it was read";

    /// <summary>Scores and settles messages.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the messages were given back.</exception>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; what was not settled comes again when its lease ends.</exception>
    /// <exception cref="OperationCanceledException">Abandoned; the messages were given back.</exception>
    public async Task ProcessAsync(IReadOnlyList<LeasedMessage> messages, CancellationToken abandon)
    {
        long startedAt = telemetry.Now;
        var open = new HashSet<LeasedMessage>(messages);
        var keeper = new LeaseKeeper(messages, InboundWorker.Lease, time);
        try
        {
            List<Delivery> batch = [.. messages.Where(message => message.DequeueCount <= SuspectAfter).Select(Decode)];
            await ScoreTogetherAsync(batch, keeper, open, abandon);
            foreach (LeasedMessage suspect in messages.Where(message => message.DequeueCount > SuspectAfter))
            {
                await ScoreSuspectAsync(suspect, keeper, open, abandon);
            }
        }
        catch (Exception e)
        {
            // Renewals end first, so that none of them takes back what is given back.
            await keeper.DisposeAsync();
            await GiveBackAsync(open);
            telemetry.Processed(queues.Inbound.Name, messages.Count, startedAt, e);
            throw;
        }

        await keeper.DisposeAsync();
        telemetry.Processed(queues.Inbound.Name, messages.Count, startedAt, null);
    }

    private Delivery Decode(LeasedMessage message) => new(message, InboundMessage.Decode(queues.Inbound.Name, message, ids));

    private async Task ScoreTogetherAsync(List<Delivery> batch, LeaseKeeper keeper, HashSet<LeasedMessage> open, CancellationToken abandon)
    {
        if (batch.Count == 0)
        {
            return;
        }

        using Activity? span = telemetry.StartProcess(queues.Inbound.Name, batch);
        ScoredCounts scored;
        try
        {
            scored = await scorer.ScoreAsync(batch, abandon);
        }
        catch (Exception e) when (IsFaultOfMessages(e) && batch.Count > 1)
        {
            Telemetry.Fail(span, e);
            // One of them fails all: each alone shows which.
            Log.Splitting(logger, batch.Count, FailureText.Kind(e));
            foreach (Delivery delivery in batch)
            {
                await ScoreTogetherAsync([delivery], keeper, open, abandon);
            }

            return;
        }
        catch (Exception e) when (IsFaultOfMessages(e))
        {
            Telemetry.Fail(span, e);
            await ScoreOneByOneAsync(batch[0], e, keeper, open, abandon);
            return;
        }

        await SettleAsync(batch, scored, keeper, open);
    }

    /// <summary>A message that was received very often: if it ends the process, the count of attempts, written before, is the witness.</summary>
    private async Task ScoreSuspectAsync(LeasedMessage message, LeaseKeeper keeper, HashSet<LeasedMessage> open, CancellationToken abandon)
    {
        int attempts = await failures.CountAttemptAsync(message.Id, "the process ended while the message was read", abandon);
        if (attempts > MaximumAttempts + 1)
        {
            // Reading it even to give it up has ended the process. Its transactions were acknowledged all the same: they end as failed.
            var unread = InboundMessage.FindIds(message, ids, EndedTheProcess);
            await GiveUpAsync(new Delivery(message, unread), [], null, attempts - 1, keeper, open, abandon);
            return;
        }

        Delivery delivery = Decode(message);
        if (attempts > MaximumAttempts)
        {
            await GiveUpAsync(delivery, delivery.Content.Transactions, null, attempts - 1, keeper, open, abandon);
            return;
        }

        // Reading did no harm; what follows can't end the process.
        await failures.ForgiveAttemptAsync(message.Id, abandon);
        await ScoreTogetherAsync([delivery], keeper, open, abandon);
    }

    /// <summary>A message that fails by itself: its good transactions are scored, the bad ones counted against it.</summary>
    private async Task ScoreOneByOneAsync(Delivery delivery, Exception failure, LeaseKeeper keeper, HashSet<LeasedMessage> open, CancellationToken abandon)
    {
        var bad = new List<Transaction>();
        bool alerts = false;
        foreach (Transaction transaction in delivery.Content.Transactions)
        {
            var alone = new InboundMessage();
            alone.Transactions.Add(transaction);
            try
            {
                ScoredCounts scored = await scorer.ScoreAsync([delivery with { Content = alone }], abandon);
                alerts |= scored.MayHaveUnsentAlerts;
            }
            catch (Exception e) when (IsFaultOfMessages(e))
            {
                bad.Add(transaction);
                failure = e;
            }
        }

        if (bad.Count == 0)
        {
            // What was in the way has passed.
            await SettleAsync([delivery], new ScoredCounts(default, alerts), keeper, open);
            return;
        }

        if (alerts)
        {
            await marker.RaiseAsync(CancellationToken.None);
        }

        events.OnScored(alerts);
        int attempts = await failures.CountAttemptAsync(delivery.Lease.Id, failure.Message, abandon);
        if (attempts >= MaximumAttempts)
        {
            await GiveUpAsync(delivery, bad, failure, attempts, keeper, open, abandon);
            return;
        }

        telemetry.Retried("message");
        Log.Failed(logger, delivery.Lease.Id, attempts, MaximumAttempts, FailureText.Of(failure));
        await keeper.ReleaseAsync(delivery.Lease);
        open.Remove(delivery.Lease);
        await delivery.Lease.TryExtendAsync(TimeSpan.FromSeconds(Math.Pow(2, attempts)), CancellationToken.None);
    }

    private async Task GiveUpAsync(
        Delivery delivery, IEnumerable<Transaction> bad, Exception? failure, int attempts, LeaseKeeper keeper, HashSet<LeasedMessage> open, CancellationToken abandon)
    {
        string reason = failure is null ? EndedTheProcess : $"it failed by itself: {failure.Message}";
        IEnumerable<UnreadableTransaction> failed = bad
            .Select(item => new UnreadableTransaction(item.Id, item.UserId, item.CategoryId, item.Amount, item.OccurredAt, item.AcceptedAt, reason))
            .Concat(delivery.Content.Unreadable);
        await scorer.GiveUpAsync(delivery, failed, reason, failure?.ToString(), attempts, abandon);
        events.OnScored(mayHaveUnsentAlerts: false);
        await MoveToPoisonAsync(delivery.Lease, failure is null ? reason : $"it failed by itself: {FailureText.Kind(failure)}", keeper, open);
    }

    private async Task SettleAsync(List<Delivery> batch, ScoredCounts scored, LeaseKeeper keeper, HashSet<LeasedMessage> open)
    {
        if (scored.MayHaveUnsentAlerts)
        {
            await marker.RaiseAsync(CancellationToken.None);
        }

        events.OnScored(scored.MayHaveUnsentAlerts);
        Log.Scored(logger, scored.Counts.Written, scored.Counts.Repeats, scored.Counts.Conflicts, scored.Counts.Alerts, batch.Count);
        using Activity? span = telemetry.StartSettle(queues.Inbound.Name, batch.Count);
        await Task.WhenAll(batch.Select(delivery => SettleAsync(delivery, keeper, open)));
    }

    private async Task SettleAsync(Delivery delivery, LeaseKeeper keeper, HashSet<LeasedMessage> open)
    {
        await keeper.ReleaseAsync(delivery.Lease);
        if (delivery.Content.IsAlertMarker)
        {
            await SettleMarkerAsync(delivery.Lease);
            Close(delivery.Lease, open);
            return;
        }

        if (delivery.Content.PoisonReason is { } reason)
        {
            await MoveToPoisonAsync(delivery.Lease, reason, keeper, open);
            return;
        }

        if (!await delivery.Lease.TryDeleteAsync(CancellationToken.None))
        {
            // Redelivery finds its rows.
            telemetry.LeaseLost();
            Log.LeaseLost(logger, delivery.Lease.Id);
        }

        Close(delivery.Lease, open);
    }

    // A marker that became visible: whoever put it there is gone or has no dispatcher. It stays for as long as alerts are unsent.
    private async Task SettleMarkerAsync(LeasedMessage message)
    {
        if (await outbox.CountUnsentAsync(CancellationToken.None) == 0)
        {
            await marker.DropAsync(message, CancellationToken.None);
            return;
        }

        await marker.AdoptAsync(message, CancellationToken.None);
        events.OnScored(mayHaveUnsentAlerts: true);
    }

    // The record and the failed rows are committed: a crash before the delete repeats both without effect. The record has what the log may not: messages of
    // exceptions, which quote data.
    private async Task MoveToPoisonAsync(LeasedMessage message, string reason, LeaseKeeper keeper, HashSet<LeasedMessage> open)
    {
        telemetry.Poisoned();
        Log.Poison(logger, message.Id, reason);
        await queues.Poison.SendAsync(message.Text, TimeSpan.Zero, CancellationToken.None);
        await keeper.ReleaseAsync(message);
        if (keeper.IsLost(message) || !await message.TryDeleteAsync(CancellationToken.None))
        {
            telemetry.LeaseLost();
            Log.LeaseLost(logger, message.Id);
        }

        Close(message, open);
    }

    private static void Close(LeasedMessage message, HashSet<LeasedMessage> open)
    {
        lock (open)
        {
            open.Remove(message);
        }
    }

    private async Task GiveBackAsync(HashSet<LeasedMessage> open)
    {
        foreach (LeasedMessage message in open)
        {
            try
            {
                await message.TryExtendAsync(TimeSpan.Zero, CancellationToken.None);
            }
            catch (QueueUnavailableException e)
            {
                // Its lease ends by itself.
                Log.NotGivenBack(logger, message.Id, e.Message);
            }
        }
    }

    private static bool IsFaultOfMessages(Exception e) =>
        e is not (StoreUnavailableException or QueueUnavailableException or OperationCanceledException or OutOfMemoryException);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "{Written} written, {Repeats} repeats ({Conflicts} differ), {Alerts} alerts, from {Messages} messages.")]
        public static partial void Scored(ILogger logger, int written, int repeats, int conflicts, int alerts, int messages);

        [LoggerMessage(LogLevel.Warning, "A batch of {Count} messages failed and is taken apart: {Problem}")]
        public static partial void Splitting(ILogger logger, int count, string problem);

        [LoggerMessage(LogLevel.Warning, "Message {Id} has failed by itself, {Attempts} of {Maximum}: {Failure}")]
        public static partial void Failed(ILogger logger, string id, int attempts, int maximum, string failure);

        [LoggerMessage(LogLevel.Error, "Message {Id} is poison: {Reason}")]
        public static partial void Poison(ILogger logger, string id, string reason);

        [LoggerMessage(LogLevel.Information, "The lease of message {Id} was lost before it was deleted; its rows are written.")]
        public static partial void LeaseLost(ILogger logger, string id);

        [LoggerMessage(LogLevel.Information, "Message {Id} could not be given back and returns when its lease ends: {Problem}")]
        public static partial void NotGivenBack(ILogger logger, string id, string problem);
    }
}
