namespace FinanceIngest.Notifications.Deliveries;

/// <summary>When a message that was not delivered is tried again.</summary>
internal static class RepeatSchedule
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(30);

    /// <summary>Returns the pause after an attempt: 5 s after the first, doubling up to 30 min, and of each a random part from half to the whole.</summary>
    /// <param name="attempts">Attempts so far, from 1.</param>
    /// <param name="random">From 0 to 1.</param>
    /// <param name="wanted">The pause that the receiver asked for; it is never cut short, but for an hour at most.</param>
    public static TimeSpan After(int attempts, double random, TimeSpan? wanted = null)
    {
        double step = Math.Min(s_first.TotalSeconds * Math.Pow(2, Math.Min(attempts - 1, 20)), s_longest.TotalSeconds);
        var pause = TimeSpan.FromSeconds(step * (0.5 + (random / 2)));
        TimeSpan asked = wanted is { } time && time < TimeSpan.FromHours(1) ? time : wanted is null ? TimeSpan.Zero : TimeSpan.FromHours(1);
        return asked > pause ? asked : pause;
    }
}
