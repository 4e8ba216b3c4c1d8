using Azure;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Ground;

/// <summary>Recognises a database or a queue that answered, and does not let this process do what it asked.</summary>
internal static class RefusedRights
{
    // SELECT, INSERT, EXECUTE … permission denied on an object (229), on a column (230), on the database (262, 300).
    private static readonly int[] s_sql = [229, 230, 262, 300];

    /// <summary>Whether a failure says that this process lacks a right.</summary>
    public static bool IsOne(Exception failure) => failure switch
    {
        SqlException sql => sql.Errors.Cast<SqlError>().Any(error => s_sql.Contains(error.Number)),
        RequestFailedException answer => answer.Status == 403,
        { InnerException: { } inner } => IsOne(inner),
        _ => false,
    };
}
