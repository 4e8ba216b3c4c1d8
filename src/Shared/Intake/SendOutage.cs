namespace FinanceIngest.Intake;

/// <summary>How long sends to the inbound queue have been failing, and so when it is worth trying again: after as long as it has lasted, at most half a minute.</summary>
/// <param name="time">Clock.</param>
internal sealed class SendOutage(TimeProvider time)
{
    private const int MaximumSeconds = 30;
    private const long None = long.MinValue;
    private long _since = None;

    /// <summary>1 … 30.</summary>
    public int RetryAfterSeconds => Volatile.Read(ref _since) is var since and not None
        ? (int)Math.Clamp(Math.Ceiling(time.GetElapsedTime(since).TotalSeconds), 1, MaximumSeconds)
        : 1;

    /// <summary>A send came to its end.</summary>
    public void Note(bool hasFailed)
    {
        if (hasFailed)
        {
            Interlocked.CompareExchange(ref _since, time.GetTimestamp(), None);
        }
        else if (Volatile.Read(ref _since) != None)
        {
            Volatile.Write(ref _since, None);
        }
    }
}
