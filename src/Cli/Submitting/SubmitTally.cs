namespace FinanceIngest.Cli.Submitting;

/// <summary>A row that was not accepted.</summary>
/// <param name="Line">The row's line in the file, from 1.</param>
/// <param name="Reason">Why the row was not accepted, in one line.</param>
internal sealed record RejectedRow(long Line, string Reason);

/// <summary>A row with an idempotency key of its own that an earlier row of the file has too, so that both mean one transaction.</summary>
/// <param name="Line">The row's line in the file, from 1.</param>
/// <param name="FirstLine">The line of the first row with that user and key.</param>
internal sealed record RepeatedKey(long Line, long FirstLine);

/// <summary>Counts the outcomes of a file's rows. Thread-safe.</summary>
internal sealed class SubmitTally
{
    /// <summary>The number of rejected rows that are kept with their reasons; the rest is only counted.</summary>
    public const int MaximumKept = 10_000;

    /// <summary>The number of rows with a repeated key that are kept.</summary>
    public const int MaximumRepeatedKeys = 20;

    private const int LongestReason = 500;

    private readonly Lock _gate = new();

    // The kept rejections, of which the one with the highest line comes out first.
    private readonly PriorityQueue<RejectedRow, long> _rejected = new(Comparer<long>.Create((a, b) => b.CompareTo(a)));
    private readonly List<RepeatedKey> _repeatedKeys = [];
    private long _repeatedKeyCount;
    private long _rows;
    private long _accepted;
    private long _rejectedCount;
    private long _retries;
    private string? _stopped;

    /// <summary>Raised before a request is repeated, with a text that says why and when.</summary>
    public event Action<string>? Retrying;

    /// <summary>Rows that were read.</summary>
    public long Rows => Interlocked.Read(ref _rows);

    /// <summary>Rows that the API accepted and gave an id.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Rows that the API refused, or that can't be sent.</summary>
    public long Rejected => Interlocked.Read(ref _rejectedCount);

    /// <summary>Requests that were repeated.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Rows that were read, but neither accepted nor rejected. An interrupted request may have submitted some of them nevertheless.</summary>
    public long Unsent => Rows - Accepted - Rejected;

    /// <summary>Why the sending ended before the end of the file; null when it did not.</summary>
    public string? Stopped => Volatile.Read(ref _stopped);

    /// <summary>The kept rejections, in the file's order.</summary>
    public IReadOnlyList<RejectedRow> RejectedRows
    {
        get
        {
            lock (_gate)
            {
                return [.. _rejected.UnorderedItems.Select(item => item.Element).OrderBy(row => row.Line)];
            }
        }
    }

    /// <summary>The number of rows whose user and key an earlier row of the file has.</summary>
    public long RepeatedKeyCount => Interlocked.Read(ref _repeatedKeyCount);

    /// <summary>The first of these rows.</summary>
    public IReadOnlyList<RepeatedKey> RepeatedKeys
    {
        get
        {
            lock (_gate)
            {
                return [.. _repeatedKeys];
            }
        }
    }

    /// <summary>Counts a row that has the user and the key of an earlier row, and keeps the first <see cref="MaximumRepeatedKeys"/> of the file.</summary>
    public void CountRepeatedKey(RepeatedKey repeated)
    {
        Interlocked.Increment(ref _repeatedKeyCount);
        lock (_gate)
        {
            if (_repeatedKeys.Count < MaximumRepeatedKeys)
            {
                _repeatedKeys.Add(repeated);
            }
        }
    }

    /// <summary>Counts a row that was read.</summary>
    public void CountRow() => Interlocked.Increment(ref _rows);

    /// <summary>Counts accepted rows.</summary>
    public void CountAccepted(int count) => Interlocked.Add(ref _accepted, count);

    /// <summary>Counts a rejected row, and keeps the first <see cref="MaximumKept"/> of the file.</summary>
    public void Reject(long line, string reason)
    {
        Interlocked.Increment(ref _rejectedCount);
        lock (_gate)
        {
            var row = new RejectedRow(line, reason.Length <= LongestReason ? reason : $"{reason[..LongestReason]}…");
            if (_rejected.Count < MaximumKept)
            {
                _rejected.Enqueue(row, line);
            }
            else
            {
                _rejected.EnqueueDequeue(row, line);
            }
        }
    }

    /// <summary>Counts a request that is repeated, and raises <see cref="Retrying"/>.</summary>
    public void CountRetry(string reason, TimeSpan pause)
    {
        Interlocked.Increment(ref _retries);
        Retrying?.Invoke(FormattableString.Invariant($"{reason} Trying again in {pause.TotalSeconds:F1} s."));
    }

    /// <summary>Ends the sending. When several requests fail, the first reason is kept.</summary>
    public void Stop(string reason) => Interlocked.CompareExchange(ref _stopped, reason, null);
}
