using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Alerts;

/// <summary>
/// Keeps a delayed message, the marker, on the inbound queue while alerts may be unsent, so that an autoscaler that looks at the queue does not stop the last
/// worker before they are sent. A live process extends the delay again and again. After a crash the marker becomes visible, and the process that receives it
/// sends the alerts.
/// </summary>
internal sealed class AlertMarker(Queues queues, IAlertOutbox outbox, TimeProvider time) : IDisposable
{
    /// <summary>The marker's text on the queue.</summary>
    public static readonly string Text = MessageText.Encode("""{"v":1,"marker":"unsent-alerts","transactions":[]}""");

    private readonly SemaphoreSlim _gate = new(1, 1);
    private LeasedMessage? _held;
    private long _renewedAt;
    private long _raised;

    /// <summary>
    /// How often the marker has been asked for in this process. A caller reads this before it drains the outbox and passes it to
    /// <see cref="ClearAsync"/>, which then leaves a marker alone that was asked for meanwhile.
    /// </summary>
    public long Raised => Interlocked.Read(ref _raised);

    /// <summary>
    /// Makes sure that the marker is on the queue and stays invisible for <see cref="Deadlines.AlertMarkerReserve"/> at least. A scorer calls this before it deletes the message of an
    /// anomaly, so that at every moment the message, the marker or the sent alert exists.
    /// </summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the anomaly's message must not be deleted.</exception>
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
                _held = await queues.Inbound.SendAsync(Text, Deadlines.AlertMarker, cancellationToken);
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

    /// <summary>Takes over a marker that was received; if this process has another one already, the received marker is deleted instead.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    private async Task AdoptAsync(LeasedMessage marker, CancellationToken cancellationToken)
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

    /// <summary>Deletes a marker that was received although no alert is unsent.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    private async Task DropAsync(LeasedMessage marker, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            // The received marker may be the one that this process put there: then the receipt has voided the process's own hold on it. A call of RaiseAsync
            // since then has noticed and put a new marker on the queue, which stays.
            await marker.TryDeleteAsync(cancellationToken);
            _held = _held?.Id == marker.Id ? null : _held;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Deletes this process's marker, unless it was asked for again after <paramref name="raised"/> was read from <see cref="Raised"/>.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the marker stays, becomes visible and is received by a worker.</exception>
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
