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
    public DateTime Time(DateTime? original)
    {
        if (original is not { } stored)
        {
            report.TimesFilledIn++;
            return now;
        }

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
