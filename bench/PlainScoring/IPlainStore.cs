namespace FinanceIngest.Bench.Plain;

/// <summary>The service's database as a simple program would use it.</summary>
public interface IPlainStore : IDisposable
{
    /// <summary>
    /// Selects the baseline of each transaction, scores it and inserts its row, all in one database transaction, which is durable when the task completes.
    /// Calls may overlap.
    /// </summary>
    /// <returns>The scores in the order of the transactions.</returns>
    Task<IReadOnlyList<PlainScore>> WriteAsync(IReadOnlyList<PlainTransaction> transactions);
}

/// <summary>Chooses the database from a program's settings.</summary>
public static class PlainStore
{
    /// <summary>The setting with the connection string of SQL Server; it is given in the environment, because it may hold a password.</summary>
    public const string SqlSetting = "PLAIN_SQL";

    /// <param name="sql">The connection string of SQL Server; null for SQLite.</param>
    /// <param name="path">The path of the SQLite file; null for SQL Server.</param>
    /// <exception cref="InvalidOperationException">Neither is given.</exception>
    public static IPlainStore Open(string? sql, string? path) =>
        sql is { Length: > 0 } ? new PlainSqlServer(sql)
        : path is { Length: > 0 } ? new PlainDatabase(path)
        : throw new InvalidOperationException($"--database PATH, or {SqlSetting} in the environment, is required.");
}
