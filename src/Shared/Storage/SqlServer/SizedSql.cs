namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// A statement that takes a table-valued parameter, with a plan of its own for each size of table.
/// </summary>
/// <remarks>
/// SQL Server compiles a statement for the number of rows that its first caller hands over, and keeps the plan for all that follow
/// (https://learn.microsoft.com/sql/relational-databases/tables/use-table-valued-parameters-database-engine). The joins are forced, but a plan for one row
/// also reads ahead nothing: a batch of thousands would then wait for each page of a cold database by itself. The text of a statement is the key of its
/// plan, so a comment behind it is enough to keep small and large batches apart, and no call pays for a compilation.
/// </remarks>
/// <param name="sql">The statement; it is the text for the smallest size.</param>
internal sealed class SizedSql(string sql)
{
    /// <summary>
    /// The largest number of rows of the smallest size: from about 25 expected rows on, SQL Server reads ahead below a loop join.
    /// </summary>
    public const int Few = 24;

    /// <summary>The largest number of rows of the middle size; 1,000 is also the most ids of a request and the chunk of a purge.</summary>
    public const int Many = 1000;

    private readonly string _many = $"{sql}\n-- 25 to 1,000 rows";
    private readonly string _most = $"{sql}\n-- more than 1,000 rows";

    /// <summary>The statement's text for a number of rows; the same number always has the same text.</summary>
    /// <param name="rows">Rows of the largest table that is handed over, ≥ 0.</param>
    public string For(int rows) => rows <= Few ? sql : rows <= Many ? _many : _most;
}
