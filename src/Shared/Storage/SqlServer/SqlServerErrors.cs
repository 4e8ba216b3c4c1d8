using System.Collections.Frozen;
using System.ComponentModel;
using System.Security.Authentication;
using Azure.Identity;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// Tells what an error of SQL Server means: the data is at fault, repeating the transaction settles a conflict, or there is an outage.
/// </summary>
/// <remarks>https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors</remarks>
internal static class SqlServerErrors
{
    /// <summary>From this severity on, the server or its resources are at fault, not a statement.</summary>
    private const byte ResourceSeverity = 17;

    /// <summary>
    /// Every error that a row by itself can cause. Any other error is an outage, which never counts against a message. A unique key (2601, 2627) that stands
    /// in the way after all repeats is one too: keys are the system's own, and a row that is there already is no error.
    /// </summary>
    private static readonly FrozenSet<int> s_data = new[]
    {
        220, 232, 8115, 1007, 8134, // out of a type's range, division by zero
        241, 242, 245, 295, 529, 8114, 8169, // not convertible
        8152, 2628, // too long
        511, 1946, // row or key too large
        515, 547, // NOT NULL, CHECK and foreign keys
        8016, 8023, 8057, // a parameter that is no value of its type, such as a NaN
        13609, // not JSON
    }.ToFrozenSet();

    /// <summary>
    /// Whether the transaction was a deadlock's victim, or another transaction was first with a key: nothing of it remains, and a repeat sees the other's
    /// rows.
    /// </summary>
    public static bool IsSettledByRepeating(int number) => number is 1205 or 2601 or 2627;

    /// <summary>
    /// Whether a command ran out of time: the client's limit (−2), or the server's for locks (1222). A smaller command may succeed.
    /// </summary>
    public static bool IsTimeout(Exception e) => e is SqlException sql && sql.Errors.Cast<SqlError>().Any(error => error.Number is -2 or 1222);

    /// <summary>The error, with what to do about it where it says only that a table, column or type is missing.</summary>
    public static Exception Explained(Exception e) =>
        e is SqlException sql && sql.Errors.Cast<SqlError>().Any(error => error.Number is 207 or 208 or 2715)
            ? new InvalidOperationException($"{e.Message.TrimEnd('.')}: its schema is not this program's. Run \"finance-ingest migrate\".", e)
            : e;

    /// <summary>Whether an error is the fault of the data.</summary>
    /// <param name="number">The server's error number.</param>
    /// <param name="severity">The error's class, 0 … 25.</param>
    public static bool IsData(int number, byte severity) => severity < ResourceSeverity && s_data.Contains(number);

    /// <summary>Whether the transaction is worth repeating at once.</summary>
    public static bool IsSettledByRepeating(SqlException e) =>
        e.Errors.Cast<SqlError>().Any(error => IsSettledByRepeating(error.Number)) && !e.Errors.Cast<SqlError>().Any(error => error.Class >= ResourceSeverity);

    /// <summary>
    /// Whether the database, the network or the credentials are at fault: SQL Server reports an error that the data did not cause, the connection is broken
    /// or can't be opened, or no token is to be had.
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
