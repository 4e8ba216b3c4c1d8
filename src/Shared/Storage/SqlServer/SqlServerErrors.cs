using System.Collections.Frozen;
using System.ComponentModel;
using System.Security.Authentication;
using Azure.Identity;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// What an error of SQL Server means here: the data's own fault, a conflict that repeating the transaction settles, or an outage.
/// </summary>
/// <remarks>https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors</remarks>
internal static class SqlServerErrors
{
    /// <summary>Severities from here on are of the server and its resources, not of a statement.</summary>
    private const byte ResourceSeverity = 17;

    /// <summary>Everything that a row by itself can cause; what is not here is an outage, and an outage is no fault of a message.</summary>
    private static readonly FrozenSet<int> s_data = new[]
    {
        220, 232, 8115, 1007, 8134, // out of a type's range, division by zero
        241, 242, 245, 295, 529, 8114, 8169, // not convertible
        8152, 2628, // too long
        511, 1946, // row or key too large
        515, 547, // NOT NULL, CHECK and foreign keys
        2601, 2627, // unique keys, where repeating did not help
        8016, 8023, 8057, // a parameter that is no value of its type, such as a NaN
        13609, // not JSON
    }.ToFrozenSet();

    /// <summary>A deadlock's victim, or another transaction was first with a key: nothing remains, and a repeat sees what the other did.</summary>
    public static bool IsSettledByRepeating(int number) => number is 1205 or 2601 or 2627;

    /// <summary>Whether an error is the fault of the data.</summary>
    /// <param name="number">The server's error number.</param>
    /// <param name="severity">Its class, 0 … 25.</param>
    public static bool IsData(int number, byte severity) => severity < ResourceSeverity && s_data.Contains(number);

    /// <summary>Whether the transaction is worth repeating at once.</summary>
    public static bool IsSettledByRepeating(SqlException e) =>
        e.Errors.Cast<SqlError>().Any(error => IsSettledByRepeating(error.Number)) && !e.Errors.Cast<SqlError>().Any(error => error.Class >= ResourceSeverity);

    /// <summary>
    /// Whether the database, the way to it or the credentials for it are at fault: anything that SQL Server reports and the data did not
    /// cause, an exhausted pool, a broken connection, no token.
    /// </summary>
    public static bool IsOutage(Exception e) => e switch
    {
        SqlException sql => !sql.Errors.Cast<SqlError>().Any(error => IsData(error.Number, error.Class))
            || sql.Errors.Cast<SqlError>().Any(error => error.Class >= ResourceSeverity),
        IOException or TimeoutException or Win32Exception or AuthenticationException or AuthenticationFailedException => true,
        AggregateException { InnerException: { } inner } => IsOutage(inner),
        _ => false,
    };
}
