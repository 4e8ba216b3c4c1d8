using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Notifications;

/// <summary>
/// Keeps a delayed message on the alert queue while deliveries are open, so that an autoscaler that looks at the queue does not stop the last notifier before
/// they are sent. Where queues are embedded there is no autoscaler, and no marker. Not safe for concurrent use.
/// </summary>
internal sealed class OpenDeliveriesMarker(Queues queues, TimeProvider time, bool isUsed)
{
    /// <summary>
    /// How long the message stays invisible. An autoscaler counts it all the same, and a process that starts looks for deliveries by itself, so that nobody
    /// waits for this time.
    /// </summary>
    public static readonly TimeSpan Delay = TimeSpan.FromHours(1);

    private LeasedMessage? _held;
    private long _raisedAt;

    /// <summary>Makes sure that the message is on the queue. It is called before the alerts are deleted whose deliveries were written.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the alerts must not be deleted.</exception>
    public async Task RaiseAsync(CancellationToken cancellationToken)
    {
        if (!isUsed || (_held is not null && time.GetElapsedTime(_raisedAt) < Delay / 2))
        {
            return;
        }

        if (_held is null || !await _held.TryExtendAsync(Delay, cancellationToken))
        {
            _held = await DeliveryWake.SendAsync(queues.Alerts, Delay, cancellationToken);
        }

        _raisedAt = time.GetTimestamp();
    }

    /// <summary>Takes the message away: nothing is open.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the message becomes visible in time, and is then taken away.</exception>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        if (_held is { } held)
        {
            await held.TryDeleteAsync(cancellationToken);
            _held = null;
        }
    }
}
