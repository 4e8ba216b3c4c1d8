using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Poison;

/// <summary>A copy on the poison queue that the sweep has leased.</summary>
/// <param name="message">The message, under a lease. Its text is not held; see <see cref="Text"/>.</param>
/// <param name="digest">The text's digest.</param>
internal sealed class PoisonCopy(LeasedMessage message, TextDigest digest)
{
    /// <summary>The message's id on the poison queue.</summary>
    public string Id => message.Id;

    /// <summary>When the message was put on the poison queue.</summary>
    public DateTime InsertedAt => message.InsertedAt;

    /// <summary>The text's digest.</summary>
    public TextDigest Digest => digest;

    /// <summary>The message, which has its text as long as this copy has.</summary>
    public LeasedMessage Message => message;

    /// <summary>The text, where it is held.</summary>
    public string? Text { get; private set; }

    /// <summary>Holds the text until <see cref="Forget"/>.</summary>
    public void Keep() => Text = message.Text;

    /// <summary>Lets go of the text.</summary>
    public void Forget()
    {
        Text = null;
        message.ForgetBody();
    }
}

/// <summary>
/// Leases every message on the poison queue that can be received, because a queue can't be searched for a message. Disposing it returns the messages that
/// were not deleted.
/// </summary>
/// <remarks>
/// Of most messages only the digest is held. Texts that the caller wants are held up to <see cref="MaximumTexts"/>: then the sweep pauses, the caller deals
/// with those, and <see cref="ContinueAsync"/> goes on.
/// </remarks>
internal sealed class PoisonQueueSweep : IAsyncDisposable
{
    /// <summary>The most characters of texts that are held together, but for one page.</summary>
    public const int MaximumTexts = 16 * 1024 * 1024;

    private const int ReceiveSize = 32;
    private const int Concurrency = 16;
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(5);

    private readonly IMessageQueue _queue;
    private readonly Func<LeasedMessage, TextDigest, bool> _wants;
    private readonly Dictionary<string, PoisonCopy> _held = new(StringComparer.Ordinal);
    private long _length;
    private long _seen;
    private long _lost;
    private bool _isPaused;

    private PoisonQueueSweep(IMessageQueue queue, Func<LeasedMessage, TextDigest, bool> wants)
    {
        _queue = queue;
        _wants = wants;
    }

    /// <summary>The leased messages that were not deleted yet.</summary>
    public IReadOnlyCollection<PoisonCopy> Copies => _held.Values;

    /// <summary>The number of messages that could not be received, or whose lease was lost before they were deleted.</summary>
    public long OutOfReach => Math.Max(0, _length - _seen) + _lost;

    /// <summary>Leases the messages, for five minutes.</summary>
    /// <param name="queue">The poison queue.</param>
    /// <param name="wants">Whether the text of a message is held.</param>
    /// <param name="cancellationToken">Cancels the sweep.</param>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; messages that were leased already are returned.</exception>
    public static async Task<PoisonQueueSweep> TakeAsync(
        IMessageQueue queue, Func<LeasedMessage, TextDigest, bool> wants, CancellationToken cancellationToken)
    {
        var sweep = new PoisonQueueSweep(queue, wants);
        try
        {
            await queue.EnsureExistsAsync(cancellationToken);
            sweep._length = (await queue.GetDepthAsync(cancellationToken)).Length;
            await sweep.FillAsync(cancellationToken);
            return sweep;
        }
        catch
        {
            await sweep.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets go of all texts and, if the sweep had paused, leases further messages. False: all messages were leased before.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    public async Task<bool> ContinueAsync(CancellationToken cancellationToken)
    {
        foreach (PoisonCopy copy in _held.Values.Where(copy => copy.Text is not null))
        {
            copy.Forget();
        }

        if (!_isPaused)
        {
            return false;
        }

        await FillAsync(cancellationToken);
        return true;
    }

    /// <summary>Deletes leased messages, each after <paramref name="before"/> has completed for it.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; some messages may be deleted.</exception>
    public async Task DeleteAsync(
        IEnumerable<PoisonCopy> copies, Func<PoisonCopy, CancellationToken, Task>? before, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(copies.ToList(), options, async (copy, token) =>
        {
            if (before is not null)
            {
                await before(copy, token);
            }

            bool deleted = await copy.Message.TryDeleteAsync(token);
            lock (_held)
            {
                _held.Remove(copy.Id);
                _lost += deleted ? 0 : 1;
            }
        });
    }

    /// <summary>Returns the remaining messages to the queue, where they are visible at once.</summary>
    public async ValueTask DisposeAsync() =>
        await Parallel.ForEachAsync(_held.Values, new ParallelOptions { MaxDegreeOfParallelism = Concurrency }, async (copy, _) =>
        {
            try
            {
                await copy.Message.TryExtendAsync(TimeSpan.Zero, CancellationToken.None);
            }
            catch (QueueUnavailableException)
            {
                // The message becomes visible when its lease ends.
            }
        });

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        long texts = 0;
        _isPaused = false;
        while (!_isPaused && await _queue.ReceiveAsync(ReceiveSize, s_lease, cancellationToken) is { Count: > 0 } some)
        {
            // A message that is received again, because its lease ended, is kept under its newer lease. When a call returns only such messages, all have been
            // seen.
            int known = _held.Count;
            foreach (LeasedMessage message in some)
            {
                PoisonCopy copy = Hold(message);
                _held[copy.Id] = copy;
                texts += copy.Text?.Length ?? 0;
            }

            _seen += _held.Count - known;
            if (_held.Count == known)
            {
                break;
            }

            _isPaused = texts > MaximumTexts;
        }
    }

    private PoisonCopy Hold(LeasedMessage message)
    {
        var copy = new PoisonCopy(message, TextDigest.Of(message.Text));
        if (_wants(message, copy.Digest))
        {
            copy.Keep();
        }
        else
        {
            copy.Forget();
        }

        return copy;
    }
}
