namespace FinanceIngest.Cli.Submitting;

/// <summary>A row that was not accepted.</summary>
/// <param name="Line">Where it stands in the file.</param>
/// <param name="Reason">Why, in one line.</param>
internal sealed record RejectedRow(long Line, string Reason);

/// <summary>What became of a file's rows so far. Used by several threads.</summary>
internal sealed class SubmitTally
{
    /// <summary>Rejections kept with their reasons; beyond that they are only counted.</summary>
    public const int MaximumKept = 10_000;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, RejectedRow> _rejected = [];
    private long _rows;
    private long _accepted;
    private long _rejectedCount;
    private long _retries;
    private string? _stopped;

    /// <summary>A request is repeated; the text says why and when.</summary>
    public event Action<string>? Retrying;

    /// <summary>Rows read.</summary>
    public long Rows => Interlocked.Read(ref _rows);

    /// <summary>Rows that the API answered with an id.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Rows that were refused, by the API or because they can't be sent.</summary>
    public long Rejected => Interlocked.Read(ref _rejectedCount);

    /// <summary>Requests that were repeated.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Rows read that were neither accepted nor rejected; an interrupted request may have got them through all the same.</summary>
    public long Unsent => Rows - Accepted - Rejected;

    /// <summary>Why the sending ended before the end of the file; null when it did not.</summary>
    public string? Stopped => Volatile.Read(ref _stopped);

    /// <summary>The rejections kept, in the file's order.</summary>
    public IReadOnlyList<RejectedRow> RejectedRows
    {
        get
        {
            lock (_gate)
            {
                return [.. _rejected.Values];
            }
        }
    }

    /// <summary>Counts a row read.</summary>
    public void CountRow() => Interlocked.Increment(ref _rows);

    /// <summary>Counts rows accepted.</summary>
    public void CountAccepted(int count) => Interlocked.Add(ref _accepted, count);

    /// <summary>Counts a row refused, and keeps the earliest ones of the file.</summary>
    public void Reject(long line, string reason)
    {
        Interlocked.Increment(ref _rejectedCount);
        lock (_gate)
        {
            _rejected[line] = new RejectedRow(line, reason);
            if (_rejected.Count > MaximumKept)
            {
                _rejected.Remove(_rejected.Keys.Last());
            }
        }
    }

    /// <summary>Counts a repeated request and tells who listens.</summary>
    public void CountRetry(string reason, TimeSpan pause)
    {
        Interlocked.Increment(ref _retries);
        Retrying?.Invoke(FormattableString.Invariant($"{reason} Trying again in {pause.TotalSeconds:F1} s."));
    }

    /// <summary>Ends the sending; the first reason stays.</summary>
    public void Stop(string reason) => Interlocked.CompareExchange(ref _stopped, reason, null);
}
