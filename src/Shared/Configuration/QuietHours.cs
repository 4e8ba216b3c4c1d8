namespace FinanceIngest.Configuration;

/// <summary>A part of each day in which nobody is told of an alert; what comes in it is told in one message when it ends.</summary>
/// <param name="From">The local time at which the quiet begins.</param>
/// <param name="Until">The local time at which it ends, on the next day where it is earlier than <paramref name="From"/>; never the same.</param>
/// <param name="Zone">The time zone of both.</param>
public sealed record QuietHours(TimeOnly From, TimeOnly Until, TimeZoneInfo Zone)
{
    /// <summary>Returns when the quiet that holds at an instant ends; null when it is not quiet then.</summary>
    /// <param name="instant">UTC.</param>
    public DateTime? EndAt(DateTime instant)
    {
        DateTime local = TimeZoneInfo.ConvertTimeFromUtc(instant, Zone);
        var time = TimeOnly.FromDateTime(local);
        bool isOverMidnight = Until < From;
        bool isQuiet = isOverMidnight ? time >= From || time < Until : time >= From && time < Until;
        if (!isQuiet)
        {
            return null;
        }

        DateTime end = local.Date.AddDays(isOverMidnight && time >= From ? 1 : 0) + Until.ToTimeSpan();

        // Where clocks are put forward over the end, the quiet ends with the first time that there is. Where they are put back, the end comes twice: the first
        // one holds unless it is over already.
        while (Zone.IsInvalidTime(end))
        {
            end += TimeSpan.FromMinutes(1);
        }

        DateTime first = Zone.IsAmbiguousTime(end) ? end - Zone.GetAmbiguousTimeOffsets(end).Max() : end - Zone.GetUtcOffset(end);
        DateTime last = Zone.IsAmbiguousTime(end) ? end - Zone.GetAmbiguousTimeOffsets(end).Min() : first;
        return DateTime.SpecifyKind(first > instant ? first : last > instant ? last : instant, DateTimeKind.Utc);
    }
}
