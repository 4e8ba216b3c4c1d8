using System.Globalization;

namespace FinanceIngest.Cli.Running;

/// <summary>Writes numbers, the same way in every culture.</summary>
internal static class Counted
{
    /// <summary>Returns a number and its noun, such as <c>1 row</c> or <c>2 rows</c>.</summary>
    public static string Of(long count, string noun) => $"{count.ToString(CultureInfo.InvariantCulture)} {noun}{(count == 1 ? "" : "s")}";

    /// <summary>Returns a number with separators, such as <c>1,000,000</c>.</summary>
    public static string Number(ulong number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
