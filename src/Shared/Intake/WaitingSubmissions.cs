using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using FinanceIngest.Ground;

namespace FinanceIngest.Intake;

/// <summary>
/// Requests that no message holds yet, in the order of their arrival. Any number of requests add themselves; one loop takes them. A request wakes the loop only
/// if as many items are now waiting as the loop waits for: most requests that arrive during a send wake nothing.
/// </summary>
internal sealed class WaitingSubmissions
{
    private readonly ConcurrentQueue<Submission> _submissions = new();
    private readonly WakeSignal _wake = new();

    // Requests add to it, the loop takes from it.
    private int _items;

    // The loop writes it before it looks at the items, requests read it after they have added theirs: one of the two sees the other.
    private int _wakeAt = int.MaxValue;

    /// <summary>Adds a request; it can't be taken back.</summary>
    public void Add(Submission submission)
    {
        _submissions.Enqueue(submission);
        if (Interlocked.Add(ref _items, submission.Count) >= Volatile.Read(ref _wakeAt))
        {
            _wake.Set();
        }
    }

    /// <summary>Takes the request that has waited longest.</summary>
    public bool TryTake([NotNullWhen(true)] out Submission? submission)
    {
        if (!_submissions.TryDequeue(out submission))
        {
            return false;
        }

        Interlocked.Add(ref _items, -submission.Count);
        return true;
    }

    /// <summary>Waits until so many items are here, or <see cref="Wake"/> is called. May end early.</summary>
    public async ValueTask WaitForAsync(int items)
    {
        Interlocked.Exchange(ref _wakeAt, items);
        if (Volatile.Read(ref _items) < items)
        {
            await _wake.WaitAsync();
        }

        Volatile.Write(ref _wakeAt, int.MaxValue);
    }

    /// <summary>Wakes the loop for a reason of its own: a send has ended, or the process ends.</summary>
    public void Wake() => _wake.Set();
}
