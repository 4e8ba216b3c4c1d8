using System.Globalization;

namespace FinanceIngest.Transactions;

/// <summary>
/// Reads and writes instants. The written form is RFC 3339 in UTC with six decimals and <c>Z</c>. An instant is a <see cref="DateTime"/> of kind UTC in
/// whole microseconds, a precision that every store keeps.
/// </summary>
public static class Timestamp
{
    /// <summary>Length of the written form, <c>2026-11-22T19:02:28.123456Z</c>.</summary>
    public const int Length = 27;

    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    /// <summary>Returns the current time in UTC, in whole microseconds.</summary>
    public static DateTime UtcNowMicroseconds(this TimeProvider time) => Truncate(time.GetUtcNow().UtcDateTime);

    /// <summary>Returns the instant without its fraction of a microsecond.</summary>
    public static DateTime Truncate(DateTime instant) =>
        new(instant.Ticks - (instant.Ticks % TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);

    /// <summary>Returns the written form.</summary>
    public static string ToText(DateTime instant) => instant.ToString(Format, CultureInfo.InvariantCulture);

    /// <summary>Writes the written form as UTF-8 into at least <see cref="Length"/> bytes.</summary>
    public static void Write(DateTime instant, Span<byte> destination)
    {
        "0000-00-00T00:00:00.000000Z"u8.CopyTo(destination);
        (int year, int month, int day) = instant;
        Digits(year, destination[..4]);
        Digits(month, destination[5..7]);
        Digits(day, destination[8..10]);
        Digits(instant.Hour, destination[11..13]);
        Digits(instant.Minute, destination[14..16]);
        Digits(instant.Second, destination[17..19]);
        Digits((int)(instant.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond), destination[20..26]);
    }

    /// <summary>Reads the written form.</summary>
    /// <exception cref="FormatException">The text is not of the form that <see cref="ToText"/> writes.</exception>
    public static DateTime FromText(string text) => DateTime.ParseExact(
        text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    /// <summary>
    /// Reads an RFC 3339 date-time (section 5.6), whose offset is mandatory. Digits beyond the microsecond are cut off. A leap second (<c>:60</c>) is read as
    /// the first instant after it.
    /// </summary>
    /// <returns>False when the text is no such date-time, or when the instant lies outside the years 1 to 9999 in UTC.</returns>
    public static bool TryParseRfc3339(ReadOnlySpan<char> text, out DateTime instant)
    {
        instant = default;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] is not ('T' or 't' or ' ')
            || text[13] != ':' || text[16] != ':'
            || !TryDigits(text[..4], out int year) || !TryDigits(text[5..7], out int month) || !TryDigits(text[8..10], out int day)
            || !TryDigits(text[11..13], out int hour) || !TryDigits(text[14..16], out int minute) || !TryDigits(text[17..19], out int second)
            || year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        int at = 19;
        long microseconds = 0;
        if (text[at] == '.')
        {
            int start = ++at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
            {
                at++;
            }

            if (at == start)
            {
                return false;
            }

            for (int i = 0; i < 6; i++)
            {
                microseconds = (microseconds * 10) + (start + i < at ? text[start + i] - '0' : 0);
            }
        }

        if (!TryOffset(text[at..], out int offsetMinutes))
        {
            return false;
        }

        // The fraction of a leap second is ignored.
        long ticks = new DateTime(year, month, day, hour, minute, Math.Min(second, 59), DateTimeKind.Utc).Ticks
            + (second == 60 ? TimeSpan.TicksPerSecond : microseconds * TimeSpan.TicksPerMicrosecond)
            - (offsetMinutes * TimeSpan.TicksPerMinute);
        if (ticks < DateTime.MinValue.Ticks || ticks > DateTime.MaxValue.Ticks)
        {
            return false;
        }

        instant = new DateTime(ticks, DateTimeKind.Utc);
        return true;
    }

    private static bool TryOffset(ReadOnlySpan<char> text, out int minutes)
    {
        minutes = 0;
        if (text is ['Z' or 'z'])
        {
            return true;
        }

        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':'
            || !TryDigits(text[1..3], out int hours) || !TryDigits(text[4..6], out int rest) || hours > 23 || rest > 59)
        {
            return false;
        }

        minutes = ((hours * 60) + rest) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static void Digits(int value, Span<byte> destination)
    {
        for (int i = destination.Length - 1; i >= 0; i--)
        {
            (value, int digit) = Math.DivRem(value, 10);
            destination[i] = (byte)('0' + digit);
        }
    }

    private static bool TryDigits(ReadOnlySpan<char> text, out int value)
    {
        value = 0;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c))
            {
                return false;
            }

            value = (value * 10) + (c - '0');
        }

        return true;
    }
}
