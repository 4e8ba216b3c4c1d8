using System.Threading.Channels;

namespace FinanceIngest.Ground;

/// <summary>
/// Wakes one waiting loop of this process before its pause is over. A signal that is set while the loop is busy is kept for its next wait; several such
/// signals count as one.
/// </summary>
internal sealed class WakeSignal
{
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Sets the signal.</summary>
    public void Set() => _signal.Writer.TryWrite(true);

    /// <summary>Waits for a signal.</summary>
    public async ValueTask WaitAsync() => await _signal.Reader.ReadAsync();

    /// <summary>Waits for a signal, or for the end of the pause; returns true for a signal.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled the wait.</exception>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        if (_signal.Reader.TryRead(out _))
        {
            return true;
        }

        using var pause = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(pause.Token, cancellationToken);
        try
        {
            return await _signal.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
