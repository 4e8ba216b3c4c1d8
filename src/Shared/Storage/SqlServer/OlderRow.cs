using System.Globalization;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>Converts values of the older system to this one's, and counts each change in the report.</summary>
internal sealed class OlderRow(TimeZoneInfo timeZone, DateTime now, OlderSystemReport report)
{
    /// <summary>The older system's threshold.</summary>
    private const double Threshold = 3;

    /// <summary>The largest amount of this system, 922,337,203,685,477.5807.</summary>
    private static readonly decimal s_largest = new Money(long.MaxValue).ToDecimal();

    /// <summary>Nothing that the older system scored is from before this.</summary>
    private static readonly DateTime s_earliest = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Converts an amount from the type of its column: FLOAT, or another numeric type to which an operator has changed it.</summary>
    /// <returns>As <see cref="Amount(double)"/>.</returns>
    /// <exception cref="InvalidCastException">The value is no number.</exception>
    public (decimal? Amount, double? Legacy) Amount(object original) => original switch
    {
        double number => Amount(number),

        // The shortest text of a REAL is the number that people see; as a double it would have noise.
        float number => Amount(double.Parse(number.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)),
        decimal number => Amount(number, (double)number),
        byte or short or int or long => Amount(
            Convert.ToDecimal(original, CultureInfo.InvariantCulture), Convert.ToDouble(original, CultureInfo.InvariantCulture)),
        _ => throw new InvalidCastException($"an amount is a {original.GetType().Name}."),
    };

    /// <summary>
    /// Converts an amount from FLOAT. A double stands for the number that people see: the shortest decimal that reads back as the same double.
    /// </summary>
    /// <returns>The amount, or null if it is too large; and the original, if the amount is not the same number.</returns>
    public (decimal? Amount, double? Legacy) Amount(double original)
    {
        // The largest doubles don't fit into a decimal at all.
        if (Math.Abs(original) > (double)s_largest)
        {
            report.AmountsOutOfRange++;
            return (null, original);
        }

        decimal exact = decimal.Parse(original.ToString("R", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
        return Amount(exact, original);
    }

    private (decimal? Amount, double? Legacy) Amount(decimal exact, double original)
    {
        decimal rounded = decimal.Round(exact, 4, MidpointRounding.ToEven);
        if (Math.Abs(rounded) > s_largest)
        {
            report.AmountsOutOfRange++;
            return (null, original);
        }

        // A number below the last digit of a decimal parses as zero.
        if (rounded == exact && (exact != 0 || original == 0))
        {
            return (rounded, null);
        }

        report.AmountsRounded++;
        return (rounded, original);
    }

    /// <summary>The flag; where it is NULL, the verdict of the older system's rule.</summary>
    public bool IsAnomaly(bool? original, double? zScore)
    {
        if (original is { } flag)
        {
            return flag;
        }

        report.FlagsFilledIn++;
        return zScore is { } z && Math.Abs(z) > Threshold;
    }

    /// <summary>A local time as an instant in UTC; where it is NULL, the time of the upgrade.</summary>
    /// <exception cref="InvalidCastException">The value is no time.</exception>
    public DateTime Time(object? original)
    {
        DateTime instant;
        switch (original)
        {
            case null:
                report.TimesFilledIn++;
                return now;
            case DateTimeOffset known:
                instant = Timestamp.Truncate(known.UtcDateTime);
                break;
            case DateTime stored:
                instant = Instant(stored);
                break;
            default:
                throw new InvalidCastException($"a time is a {original.GetType().Name}.");
        }

        if (instant < s_earliest || instant > now.AddDays(1))
        {
            report.TimesAbsurd++;
        }

        return instant;
    }

    private DateTime Instant(DateTime stored)
    {
        DateTime local = DateTime.SpecifyKind(stored, DateTimeKind.Unspecified);
        bool exists = !timeZone.IsInvalidTime(local);
        if (!exists || timeZone.IsAmbiguousTime(local))
        {
            report.TimesAmbiguous++;
        }

        return Timestamp.Truncate(exists
            ? TimeZoneInfo.ConvertTimeToUtc(local, timeZone)
            : DateTime.SpecifyKind(local - timeZone.BaseUtcOffset, DateTimeKind.Utc));
    }
}
