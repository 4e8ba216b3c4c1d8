using System.Globalization;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Observability;

/// <summary>
/// A failure as logs above Debug and spans may tell it: its types, the database's error numbers and where it happened, but none of its messages. A parser's
/// message quotes what it read, a database's the key that was in its way: amounts and ids of persons.
/// </summary>
internal static class FailureText
{
    /// <summary>Types and numbers, the outermost first, such as <c>Microsoft.Data.SqlClient.SqlException 2627</c>.</summary>
    public static string Kind(Exception failure)
    {
        string kind = failure switch
        {
            SqlException sql => $"{typeof(SqlException).FullName} {sql.Number.ToString(CultureInfo.InvariantCulture)}",
            SqliteException sqlite => $"{typeof(SqliteException).FullName} {sqlite.SqliteExtendedErrorCode.ToString(CultureInfo.InvariantCulture)}",
            _ => failure.GetType().FullName ?? failure.GetType().Name,
        };
        return failure.InnerException is { } inner ? $"{kind}, by {Kind(inner)}" : kind;
    }

    /// <summary>The same with the methods that it came through.</summary>
    public static string Of(Exception failure) => $"{Kind(failure)}{failure.StackTrace?.Insert(0, Environment.NewLine)}";
}
