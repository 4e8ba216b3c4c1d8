using FinanceIngest.Ground;

namespace FinanceIngest.Queueing;

/// <summary>The three queues of an installation.</summary>
/// <param name="Inbound">Transactions to score.</param>
/// <param name="Poison">Messages that could not be processed, verbatim.</param>
/// <param name="Alerts">Anomalies to mail.</param>
public sealed record Queues(IMessageQueue Inbound, IMessageQueue Poison, IMessageQueue Alerts) : IDisposable
{
    /// <summary>Creates all three, because an autoscaler can't scale on a missing queue. One that can't be created keeps no other from it.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the others were tried all the same.</exception>
    public async Task EnsureExistAsync(CancellationToken cancellationToken)
    {
        QueueUnavailableException? first = null;
        foreach (IMessageQueue queue in new[] { Inbound, Poison, Alerts })
        {
            try
            {
                await queue.EnsureExistsAsync(cancellationToken);
            }
            catch (QueueUnavailableException e)
            {
                first ??= e;
            }
        }

        if (first is not null)
        {
            throw first;
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
