using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Alerts;

/// <summary>
/// The delayed message that this process keeps on the inbound queue while alerts may be unsent, so that an autoscaler does not put the
/// last worker to sleep over them. After a crash it becomes visible, and whoever receives it sends the alerts.
/// </summary>
internal sealed class AlertMarker(Queues queues, TimeProvider time) : IDisposable
{
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
            if (_held is not null && time.GetElapsedTime(_renewedAt) < Deadlines.AlertMarker - Deadlines.AlertMarkerReserve)
            {
                return;
            }

            if (_held is null || !await _held.TryExtendAsync(Deadlines.AlertMarker, cancellationToken))
            {
                _held = await queues.Inbound.SendAsync(InboundEnvelope.AlertMarkerText, Deadlines.AlertMarker, cancellationToken);
            }

            _renewedAt = time.GetTimestamp();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes over a marker that was received, or removes it when this process has one already.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    public async Task AdoptAsync(LeasedMessage marker, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Interlocked.Increment(ref _raised);
            if (_held is null || marker.Id == _held.Id)
            {
                _held = await marker.TryExtendAsync(Deadlines.AlertMarker, cancellationToken) ? marker : null;
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
    public async Task DropAsync(LeasedMessage marker, CancellationToken cancellationToken)
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
