using System.Globalization;
using System.Text.RegularExpressions;

namespace FinanceIngest.Fuzz.References;

/// <summary>A slow reference for RFC 3339 instants: a regular expression, and the framework's parser for the date.</summary>
internal static partial class SlowTimestamp
{
    /// <summary>Returns the instant in UTC and whole microseconds (a leap second is the first instant after it); null when the text is none.</summary>
    public static DateTime? Read(string text)
    {
        Match match = Instant().Match(text);
        if (!match.Success
            || !DateTime.TryParseExact(match.Groups["date"].Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime date))
        {
            return null;
        }

        int Part(string name) => match.Groups[name].Success ? int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
        int second = Part("second");
        string fraction = match.Groups["fraction"].Value.PadRight(6, '0')[..6];
        Int128 microseconds = ((Int128)(date.Ticks / TimeSpan.TicksPerDay) * 86_400) + (Part("hour") * 3600) + (Part("minute") * 60) + second;
        microseconds = (microseconds * 1_000_000) + (second == 60 ? 0 : int.Parse(fraction, CultureInfo.InvariantCulture));
        int offset = ((Part("hours") * 60) + Part("minutes")) * (match.Groups["sign"].Value == "-" ? -1 : 1);
        Int128 ticks = (microseconds - ((Int128)offset * 60_000_000)) * 10;
        return ticks < 0 || ticks > DateTime.MaxValue.Ticks ? null : new DateTime((long)ticks, DateTimeKind.Utc);
    }

    [GeneratedRegex(
        @"\A(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?<hour>[01][0-9]|2[0-3]):(?<minute>[0-5][0-9]):(?<second>[0-5][0-9]|60)"
            + @"(\.(?<fraction>[0-9]+))?([Zz]|(?<sign>[+-])(?<hours>[01][0-9]|2[0-3]):(?<minutes>[0-5][0-9]))\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Instant();
}
