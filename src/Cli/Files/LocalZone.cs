using System.Globalization;

namespace FinanceIngest.Cli.Files;

/// <summary>The zone of times that are written without an offset: a zone of the IANA database, or a fixed offset.</summary>
internal sealed class LocalZone
{
    private readonly TimeZoneInfo? _zone;
    private readonly TimeSpan _offset;

    private LocalZone(TimeZoneInfo? zone, TimeSpan offset)
    {
        _zone = zone;
        _offset = offset;
    }

    /// <summary>UTC.</summary>
    public static LocalZone Utc { get; } = new(null, TimeSpan.Zero);

    /// <summary>Finds a zone by a name such as <c>Europe/Berlin</c> or <c>UTC</c>, or by an offset such as <c>+05:30</c>; null when there is none.</summary>
    public static LocalZone? Find(string name)
    {
        if (name is ['+' or '-', _, _, ':', _, _]
            && TimeSpan.TryParseExact(name.AsSpan(1), @"hh\:mm", CultureInfo.InvariantCulture, out TimeSpan offset))
        {
            return new LocalZone(null, name[0] == '-' ? -offset : offset);
        }

        // The runtime also knows names of Windows, which other programs don't have.
        return TimeZoneInfo.TryFindSystemTimeZoneById(name, out TimeZoneInfo? zone) && zone.HasIanaId && zone.Id == name
            ? new LocalZone(zone, default)
            : null;
    }

    /// <summary>
    /// Returns the instant of a local time. A time that the clock shows twice is the earlier of both; a time that it skips is read with the offset from before
    /// the gap.
    /// </summary>
    /// <returns>The ticks in UTC, which may lie outside the years 1 to 9999.</returns>
    public long ToUtcTicks(DateTime local)
    {
        if (_zone is null)
        {
            return local.Ticks - _offset.Ticks;
        }

        // Around a change, the offsets of the day before and the day after are the only two that can hold, and the one before gives the earlier instant.
        long before = OffsetAt(local.Ticks - TimeSpan.TicksPerDay);
        long after = OffsetAt(local.Ticks + TimeSpan.TicksPerDay);
        return before == after || OffsetAt(local.Ticks - before) == before || OffsetAt(local.Ticks - after) != after
            ? local.Ticks - before
            : local.Ticks - after;
    }

    private long OffsetAt(long utcTicks)
    {
        long ticks = Math.Clamp(utcTicks, DateTime.MinValue.Ticks, DateTime.MaxValue.Ticks);
        return _zone!.GetUtcOffset(new DateTime(ticks, DateTimeKind.Utc)).Ticks;
    }
}
