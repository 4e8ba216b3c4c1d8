namespace FinanceIngest.Detection;

/// <summary>When what is known of everybody is renewed: daily in the first fortnight, weekly from then on.</summary>
internal static class RenewalSchedule
{
    private static readonly TimeSpan s_beginning = TimeSpan.FromDays(14);
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_week = TimeSpan.FromDays(7);

    /// <summary>Returns when the renewal after one at <paramref name="now"/> is due: the start of a day, UTC.</summary>
    /// <param name="began">When the first transaction was scored.</param>
    /// <param name="now">UTC.</param>
    public static DateTime After(DateTime began, DateTime now)
    {
        TimeSpan wait = now - began < s_beginning ? s_day : s_week;
        return now.Date > DateTime.MaxValue - wait ? DateTime.MaxValue : now.Date + wait;
    }
}
