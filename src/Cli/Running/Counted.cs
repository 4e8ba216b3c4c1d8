using System.Globalization;

namespace FinanceIngest.Cli.Running;

/// <summary>Numbers with their noun.</summary>
internal static class Counted
{
    /// <summary><c>1 row</c>, <c>2 rows</c>.</summary>
    public static string Of(long count, string noun) => $"{count.ToString(CultureInfo.InvariantCulture)} {noun}{(count == 1 ? "" : "s")}";
}
