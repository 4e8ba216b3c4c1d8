using FinanceIngest.Ground;

namespace FinanceIngest.Queueing;

/// <summary>The queues of an installation.</summary>
/// <param name="Inbound">Transactions to score.</param>
/// <param name="Poison">Messages that could not be processed, verbatim.</param>
/// <param name="Alerts">Anomalies to tell of.</param>
/// <param name="AlertPoison">Alerts that could not be read, verbatim; null in a process whose installation has no notifier.</param>
public sealed record Queues(IMessageQueue Inbound, IMessageQueue Poison, IMessageQueue Alerts, IMessageQueue? AlertPoison = null) : IDisposable
{
    /// <summary>All of them.</summary>
    public IEnumerable<IMessageQueue> All => AlertPoison is null ? [Inbound, Poison, Alerts] : [Inbound, Poison, Alerts, AlertPoison];

    /// <summary>Creates all of them, because an autoscaler can't scale on a missing queue. One that can't be created keeps no other from it.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; the others were tried all the same.</exception>
    public async Task EnsureExistAsync(CancellationToken cancellationToken)
    {
        QueueUnavailableException? first = null;
        foreach (IMessageQueue queue in All)
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
        foreach (IDisposable queue in All.OfType<IDisposable>())
        {
            queue.Dispose();
        }
    }
}
