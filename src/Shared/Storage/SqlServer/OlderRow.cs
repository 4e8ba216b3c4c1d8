using System.Globalization;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>How values of the older system become this one's. Each change is counted.</summary>
internal sealed class OlderRow(TimeZoneInfo timeZone, DateTime now, OlderSystemReport report)
{
    /// <summary>The older system's threshold.</summary>
    private const double Threshold = 3;

    /// <summary>The largest amount of this system, 922,337,203,685,477.5807.</summary>
    private static readonly decimal s_largest = new Money(long.MaxValue).ToDecimal();

    /// <summary>
    /// An amount that was a FLOAT: the number that people see, which is the shortest that reads back as the same double.
    /// </summary>
    /// <returns>The amount, unless it is too large; and the original where the amount is not the same number.</returns>
    public (decimal? Amount, double? Legacy) Amount(double original)
    {
        // Large ones don't fit into a decimal at all.
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

        // What lies below the last digit of a decimal reads as zero.
        if (rounded == exact && (exact != 0 || original == 0))
        {
            return (rounded, null);
        }

        report.AmountsRounded++;
        return (rounded, original);
    }

    /// <summary>The flag, or what the older rule says where it is empty.</summary>
    public bool IsAnomaly(bool? original, double? zScore)
    {
        if (original is { } flag)
        {
            return flag;
        }

        report.FlagsFilledIn++;
        return zScore is { } z && Math.Abs(z) > Threshold;
    }

    /// <summary>A local time as an instant; where it is empty, the time of the upgrade.</summary>
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
