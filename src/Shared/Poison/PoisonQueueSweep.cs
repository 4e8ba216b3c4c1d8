using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Poison;

/// <summary>
/// Leases every message on the poison queue that can be received, because a queue can't be searched for a message. Disposing it returns the messages that
/// were not deleted.
/// </summary>
internal sealed class PoisonQueueSweep : IAsyncDisposable
{
    private const int ReceiveSize = 32;
    private const int Concurrency = 16;
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, LeasedMessage> _held = new(StringComparer.Ordinal);

    private PoisonQueueSweep()
    {
    }

    /// <summary>The leased messages that were not deleted yet.</summary>
    public IReadOnlyCollection<LeasedMessage> Messages => _held.Values;

    /// <summary>The number of messages that could not be received, or whose lease was lost before they were deleted.</summary>
    public long OutOfReach { get; private set; }

    /// <summary>Leases the messages, for five minutes.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; messages that were leased already are returned.</exception>
    public static async Task<PoisonQueueSweep> TakeAsync(IMessageQueue queue, CancellationToken cancellationToken)
    {
        var sweep = new PoisonQueueSweep();
        try
        {
            await sweep.FillAsync(queue, cancellationToken);
            return sweep;
        }
        catch
        {
            await sweep.DisposeAsync();
            throw;
        }
    }

    /// <summary>Deletes leased messages, each after <paramref name="before"/> has completed for it.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; some messages may be deleted.</exception>
    public async Task DeleteAsync(
        IEnumerable<LeasedMessage> messages, Func<LeasedMessage, CancellationToken, Task>? before, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(messages.ToList(), options, async (message, token) =>
        {
            if (before is not null)
            {
                await before(message, token);
            }

            bool deleted = await message.TryDeleteAsync(token);
            lock (_held)
            {
                _held.Remove(message.Id);
                OutOfReach += deleted ? 0 : 1;
            }
        });
    }

    /// <summary>Returns the remaining messages to the queue, where they are visible at once.</summary>
    public async ValueTask DisposeAsync() =>
        await Parallel.ForEachAsync(_held.Values, new ParallelOptions { MaxDegreeOfParallelism = Concurrency }, async (message, _) =>
        {
            try
            {
                await message.TryExtendAsync(TimeSpan.Zero, CancellationToken.None);
            }
            catch (QueueUnavailableException)
            {
                // The message becomes visible when its lease ends.
            }
        });

    private async Task FillAsync(IMessageQueue queue, CancellationToken cancellationToken)
    {
        await queue.EnsureExistsAsync(cancellationToken);
        long length = (await queue.GetDepthAsync(cancellationToken)).Length;
        while (await queue.ReceiveAsync(ReceiveSize, s_lease, cancellationToken) is { Count: > 0 } some)
        {
            // A message that is received again, because its lease ended, is kept under its newer lease. When a call returns only such messages, all have been
            // seen.
            int known = _held.Count;
            foreach (LeasedMessage message in some)
            {
                _held[message.Id] = message;
            }

            if (_held.Count == known)
            {
                break;
            }
        }

        OutOfReach = Math.Max(0, length - _held.Count);
    }
}
