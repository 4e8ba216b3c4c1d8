using System.Globalization;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Ground;

/// <summary>
/// Describes a failure for spans and for logs above Debug: its types, the database's error numbers and the place where it happened, but none of its messages.
/// A parser's message may quote its input, and a database's message the key of a row: both may contain amounts and the ids of persons.
/// </summary>
internal static class FailureText
{
    /// <summary>The most characters of <see cref="Reason"/>, but for the number at its end.</summary>
    public const int LongestReason = 1000;

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

    /// <summary>
    /// Returns why something waits or was not done, in one sentence for the log. An outage says what is down; of any other failure only its kind is told. The
    /// text is bounded, since a service may answer at any length.
    /// </summary>
    public static string Reason(Exception failure) => failure is QueueUnavailableException or StoreUnavailableException or TimeoutException
        ? SafeText.Cut(failure.Message, LongestReason)
        : $"{Kind(failure)}.";

    /// <summary>Returns the types and error numbers, followed by the stack trace.</summary>
    public static string Of(Exception failure) => $"{Kind(failure)}{failure.StackTrace?.Insert(0, Environment.NewLine)}";
}
