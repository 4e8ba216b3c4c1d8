using System.Globalization;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Observability;

/// <summary>
/// Describes a failure for spans and for logs above Debug: its types, the database's error numbers and the place where it happened, but none of its messages.
/// A parser's message may quote its input, and a database's message the key of a row: both may contain amounts and the ids of persons.
/// </summary>
internal static class FailureText
{
    /// <summary>Returns the types and error numbers, the outermost first, such as <c>Microsoft.Data.SqlClient.SqlException 2627</c>.</summary>
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

    /// <summary>Returns the types and error numbers, followed by the stack trace.</summary>
    public static string Of(Exception failure) => $"{Kind(failure)}{failure.StackTrace?.Insert(0, Environment.NewLine)}";
}
