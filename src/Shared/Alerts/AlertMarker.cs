using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Alerts;

/// <summary>
/// The delayed message that this process keeps on the inbound queue while alerts may be unsent, so that an autoscaler does not put the
/// last worker to sleep over them. After a crash it becomes visible, and whoever receives it sends the alerts.
/// </summary>
internal sealed class AlertMarker(Queues queues, IAlertOutbox outbox, TimeProvider time) : IDisposable
{
    /// <summary>The marker's text on the queue.</summary>
    public static readonly string Text = MessageText.Encode("""{"v":1,"marker":"unsent-alerts","transactions":[]}""");

    private static readonly TimeSpan s_delay = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan s_renewBefore = TimeSpan.FromSeconds(15);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private LeasedMessage? _held;
    private long _renewedAt;
    private long _raised;

    /// <summary>How often the marker was asked for: what <see cref="ClearAsync"/> must know to clear no later wish.</summary>
    public long Raised => Interlocked.Read(ref _raised);

    /// <summary>
    /// Makes sure that the marker is on the queue. Comes before the messages of an anomaly are deleted: at every moment the
    /// message, the marker or the sent alert is there.
    /// </summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; don't delete the messages.</exception>
    public async Task RaiseAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Interlocked.Increment(ref _raised);
            if (_held is not null && time.GetElapsedTime(_renewedAt) < s_delay - s_renewBefore)
            {
                return;
            }

            if (_held is null || !await _held.TryExtendAsync(s_delay, cancellationToken))
            {
                _held = await queues.Inbound.SendAsync(Text, s_delay, cancellationToken);
            }

            _renewedAt = time.GetTimestamp();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Whether a received message is a marker. The text is a constant of this system, so that comparing it is enough.</summary>
    public static bool IsMarker(LeasedMessage message) => message.Body.Length == Text.Length && message.Text == Text;

    /// <summary>Settles a marker that was received: this process keeps it while alerts are unsent, and removes it when none is.</summary>
    /// <returns>Whether alerts are unsent.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the marker stays as it is.</exception>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    public async Task<bool> AdoptOrDropAsync(LeasedMessage marker, CancellationToken cancellationToken)
    {
        if (await outbox.CountUnsentAsync(cancellationToken) == 0)
        {
            await DropAsync(marker, cancellationToken);
            return false;
        }

        await AdoptAsync(marker, cancellationToken);
        return true;
    }

    /// <summary>Takes over a marker that was received, or removes it when this process has one already.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    private async Task AdoptAsync(LeasedMessage marker, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Interlocked.Increment(ref _raised);
            if (_held is null || marker.Id == _held.Id)
            {
                _held = await marker.TryExtendAsync(s_delay, cancellationToken) ? marker : null;
                _renewedAt = time.GetTimestamp();
            }
            else
            {
                await marker.TryDeleteAsync(cancellationToken);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Removes a marker that was received and is not needed.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    private async Task DropAsync(LeasedMessage marker, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            // A wish of this process since then has found its receipt void and put a new marker there.
            await marker.TryDeleteAsync(cancellationToken);
            _held = _held?.Id == marker.Id ? null : _held;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Removes the marker, unless it was asked for again since <paramref name="raised"/> was read.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the marker stays and is found by a later poll.</exception>
    public async Task ClearAsync(long raised, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_held is not null && _raised == raised)
            {
                await _held.TryDeleteAsync(cancellationToken);
                _held = null;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();
}
