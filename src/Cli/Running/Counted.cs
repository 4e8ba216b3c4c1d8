using System.Globalization;

namespace FinanceIngest.Cli.Running;

/// <summary>Numbers as the tool writes them, the same in every culture.</summary>
internal static class Counted
{
    /// <summary><c>1 row</c>, <c>2 rows</c>.</summary>
    public static string Of(long count, string noun) => $"{count.ToString(CultureInfo.InvariantCulture)} {noun}{(count == 1 ? "" : "s")}";

    /// <summary>A number with its thousands apart: <c>1,000,000</c>.</summary>
    public static string Number(ulong number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
