using FinanceIngest.Ground;

namespace FinanceIngest.Queueing;

/// <summary>Takes away every message of a queue that can be received.</summary>
public static class QueueClearing
{
    private const int ReceiveSize = 32;
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(1);

    /// <summary>Removes the messages and returns their number. A message that another process holds stays, and so does one that is sent meanwhile.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; some messages may be gone.</exception>
    public static async Task<long> ClearAsync(IMessageQueue queue, CancellationToken cancellationToken)
    {
        // The messages that were there at first are enough: beside a dispatcher that sends, clearing until there is none might never end.
        long left = (await queue.GetDepthAsync(cancellationToken)).Length;
        long removed = 0;
        while (left > 0)
        {
            IReadOnlyList<LeasedMessage> messages = await queue.ReceiveAsync((int)Math.Min(ReceiveSize, left), s_lease, cancellationToken);
            if (messages.Count == 0)
            {
                break;
            }

            left -= messages.Count;
            bool[] gone = await Task.WhenAll(messages.Select(message => message.TryDeleteAsync(cancellationToken)));
            removed += gone.LongCount(done => done);
        }

        return removed;
    }
}
