using FinanceIngest.Configuration;

namespace FinanceIngest.Notifications.Channels;

/// <summary>Ends an attempt when its caller gives it up, or when it has taken <see cref="Deadlines.NotifySend"/>.</summary>
internal sealed class AttemptLimit : IDisposable
{
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _either;

    /// <param name="time">The clock of the limit.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public AttemptLimit(TimeProvider time, CancellationToken cancellationToken)
    {
        _timeout = new CancellationTokenSource(Deadlines.NotifySend, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, cancellationToken);
    }

    /// <summary>Is cancelled by either.</summary>
    public CancellationToken Token => _either.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _either.Dispose();
        _timeout.Dispose();
    }
}
