namespace FinanceIngest.Queueing;

/// <summary>How long to pause between polls of an empty queue: ever longer, up to a limit; from the start again after a message.</summary>
internal sealed class PollingBackoff(TimeSpan maximum)
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(25);
    private TimeSpan _next = Min(s_first, maximum);

    /// <summary>The pause after an empty poll; each is half as long again as the one before.</summary>
    public TimeSpan Next()
    {
        TimeSpan pause = _next;
        _next = Min(_next * 1.5, maximum);
        return pause;
    }

    /// <summary>There was something: poll quickly again.</summary>
    public void Reset() => _next = Min(s_first, maximum);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
