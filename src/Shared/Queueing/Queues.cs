using FinanceIngest.Ground;

namespace FinanceIngest.Queueing;

/// <summary>The three queues of an installation.</summary>
/// <param name="Inbound">Transactions to score.</param>
/// <param name="Poison">Messages that could not be processed, verbatim.</param>
/// <param name="Alerts">Anomalies to mail.</param>
public sealed record Queues(IMessageQueue Inbound, IMessageQueue Poison, IMessageQueue Alerts) : IDisposable
{
    /// <summary>Creates all three, because an autoscaler can't scale on a missing queue.</summary>
    /// <exception cref="QueueUnavailableException">The queue service can't be reached.</exception>
    public async Task EnsureExistAsync(CancellationToken cancellationToken)
    {
        foreach (IMessageQueue queue in new[] { Inbound, Poison, Alerts })
        {
            await queue.EnsureExistsAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable queue in new[] { Inbound, Poison, Alerts }.OfType<IDisposable>())
        {
            queue.Dispose();
        }
    }
}
