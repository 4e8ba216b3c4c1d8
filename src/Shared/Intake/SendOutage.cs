namespace FinanceIngest.Intake;

/// <summary>
/// Measures how long sends to the inbound queue have been failing. Clients are told to try again after as long a time as the outage has lasted, at most half a
/// minute.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class SendOutage(TimeProvider time)
{
    private const int MaximumSeconds = 30;
    private const long None = long.MinValue;
    private long _since = None;

    /// <summary>Seconds after which a client may try again, 1 … 30.</summary>
    public int RetryAfterSeconds => Volatile.Read(ref _since) is var since and not None
        ? (int)Math.Clamp(Math.Ceiling(time.GetElapsedTime(since).TotalSeconds), 1, MaximumSeconds)
        : 1;

    /// <summary>Notes the outcome of a send.</summary>
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
