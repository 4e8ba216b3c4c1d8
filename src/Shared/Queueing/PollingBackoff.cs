namespace FinanceIngest.Queueing;

/// <summary>How long to pause between polls of an empty queue. The pause grows up to a limit, and starts short again after a message.</summary>
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

    /// <summary>Starts with the short pause again, after a poll that found messages.</summary>
    public void Reset() => _next = Min(s_first, maximum);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
