using System.Diagnostics;
using FinanceIngest.Alerts;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// Brings messages to their end once everything that they lead to is committed: the marker of unsent alerts is on the queue, then messages are deleted. A crash
/// in between means redelivery, which unique keys make harmless.
/// </summary>
internal sealed partial class MessageSettler(Queues queues, AlertMarker marker, ScoringEvents events, Telemetry telemetry, ILogger<MessageSettler> logger)
{
    /// <summary>Settles committed messages: those that can't be read go to the poison queue, the others are deleted.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the messages that are not settled come again.</exception>
    public async Task SettleAsync(ScoringOutcome committed, MessagesInHand hand)
    {
        if (committed.Deliveries.Count == 0)
        {
            return;
        }

        await AnnounceAsync(committed.MayHaveUnsentAlerts, hand);
        Log.Scored(
            logger, committed.Counts.Written, committed.Counts.Repeats, committed.Counts.Conflicts, committed.Counts.Alerts, committed.Deliveries.Count);
        using Activity? span = telemetry.StartSettle(queues.Inbound.Name, committed.Deliveries.Count);
        await Task.WhenAll(committed.Deliveries.Select(delivery => delivery.PoisonReason is { } reason
            ? MoveToPoisonAsync(delivery.Message, reason, hand)
            : hand.DeleteAsync(delivery.Message)));
    }

    /// <summary>Where alerts may be unsent: puts the marker on the queue, then tells the dispatcher of this process.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the messages must not be deleted.</exception>
    public async Task AnnounceAsync(bool mayHaveUnsentAlerts, MessagesInHand hand)
    {
        if (mayHaveUnsentAlerts)
        {
            await marker.RaiseAsync(hand.Settling);
            events.OnAlertsPending();
        }
    }

    /// <summary>
    /// Settles a marker of unsent alerts that became visible: its process is gone or has no dispatcher. It stays for as long as alerts are unsent.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the marker is given back in the end.</exception>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the marker comes again when its lease ends.</exception>
    public async Task SettleMarkerAsync(LeasedMessage message, MessagesInHand hand)
    {
        await hand.Leases.ReleaseAsync(message).WaitAsync(hand.Settling);
        if (await marker.AdoptOrDropAsync(message, hand.Settling))
        {
            events.OnAlertsPending();
        }

        hand.Close(message);
    }

    /// <summary>
    /// Copies a message to the poison queue and deletes it. Its record and its failed rows are already committed. After a crash they are not
    /// written again, but the poison queue may get a second copy.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="reason">What the log says; the record has what a log may not hold, such as messages of exceptions, which quote data.</param>
    /// <param name="hand">Holds the message.</param>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the message comes again.</exception>
    public async Task MoveToPoisonAsync(LeasedMessage message, string reason, MessagesInHand hand)
    {
        telemetry.Poisoned();
        Log.Poison(logger, message.Id, reason);
        await queues.Poison.SendAsync(message.Text, TimeSpan.Zero, hand.Settling);
        await hand.DeleteAsync(message);
    }

    private static partial class Log
    {
        [LoggerMessage(
            LogLevel.Debug, "{Written} rows were written, {Repeats} were repeats ({Conflicts} differ), {Alerts} alerts were added, from {Messages} messages.")]
        public static partial void Scored(ILogger logger, int written, int repeats, int conflicts, int alerts, int messages);

        [LoggerMessage(LogLevel.Error, "Message {Id} is poison: {Reason}")]
        public static partial void Poison(ILogger logger, string id, string reason);
    }
}
