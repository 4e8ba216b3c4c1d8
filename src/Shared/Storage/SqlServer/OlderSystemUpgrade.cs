using System.Data;
using System.Data.Common;
using System.Globalization;
using Dapper;
using FinanceIngest.Results;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// Takes over the older system's two tables. They are set aside, the schema is created, and their rows are copied into it, all in the
/// migration's one transaction. Rows keep their <c>id</c>, get certified transaction ids and stay out of the results feed.
/// </summary>
/// <param name="connection">An open connection.</param>
/// <param name="transaction">The migration's transaction.</param>
/// <param name="timeout">Seconds for one statement.</param>
internal sealed class OlderSystemUpgrade(SqlConnection connection, SqlTransaction transaction, int timeout)
{
    private const int ChunkSize = 10_000;

    private const string Stats = "anomaly_stats";
    private const string Transactions = "anomaly_transactions";

    private static readonly string[] s_statsColumns = ["id", "user_id", "category_id", "mean", "std_dev", "sample_count", "created_at"];
    private static readonly string[] s_transactionsColumns = ["id", "user_id", "category_id", "amount", "z_score", "is_anomaly", "created_at"];

    internal const string ColumnsSql = "SELECT c.name FROM sys.columns c WHERE c.object_id = OBJECT_ID(@table, 'U') ORDER BY c.column_id";

    internal const string SetAsideSql = "EXEC sp_rename @table, @older, 'OBJECT'";

    internal const string RankSql =
        """
        SELECT r.id INTO #newest FROM (
            SELECT id, ROW_NUMBER() OVER (PARTITION BY user_id, category_id ORDER BY created_at DESC, id DESC) AS place FROM anomaly_stats_older) r
        WHERE r.place = 1;
        ALTER TABLE #newest ADD PRIMARY KEY (id);
        """;

    internal const string ReadStatsSql =
        """
        SELECT TOP (@limit) o.id, o.user_id, o.category_id, o.mean, o.std_dev, o.sample_count, o.created_at, CASE WHEN n.id IS NULL THEN 0 ELSE 1 END
        FROM anomaly_stats_older o LEFT JOIN #newest n ON n.id = o.id
        WHERE o.id > @after ORDER BY o.id
        """;

    internal const string ReadTransactionsSql =
        """
        SELECT TOP (@limit) id, user_id, category_id, amount, z_score, is_anomaly, created_at
        FROM anomaly_transactions_older WHERE id > @after ORDER BY id
        """;

    internal const string FinishStatsSql = "DROP TABLE #newest; DROP TABLE anomaly_stats_older; DBCC CHECKIDENT ('anomaly_stats', RESEED) WITH NO_INFOMSGS";

    internal const string FinishTransactionsSql = "DROP TABLE anomaly_transactions_older; DBCC CHECKIDENT ('anomaly_transactions', RESEED) WITH NO_INFOMSGS";

    internal const string OwnIndexesSql = "SELECT name FROM sys.indexes WHERE object_id = OBJECT_ID(@table) AND name IS NOT NULL";

    private OlderAttachments? _stats;
    private OlderAttachments? _transactions;

    /// <summary>Whether <see cref="SetAsideAsync(CancellationToken)"/> found a table of the older system.</summary>
    public bool IsNeeded => _stats is not null || _transactions is not null;

    /// <summary>Finds the older system's tables in a database without this system's schema, and renames them.</summary>
    /// <exception cref="MigrationException">A table has the name of one of the older system's, but not its columns.</exception>
    public async Task SetAsideAsync(CancellationToken cancellationToken)
    {
        _stats = await SetAsideAsync(Stats, s_statsColumns, cancellationToken);
        _transactions = await SetAsideAsync(Transactions, s_transactionsColumns, cancellationToken);
    }

    /// <summary>Copies the rows of the tables that were set aside into the new schema, and drops those tables.</summary>
    /// <param name="ids">Certifies the rows' transaction ids.</param>
    /// <param name="timeZone">The time zone of <c>GETDATE()</c> on the older server; UTC on Azure SQL.</param>
    /// <param name="now">The time of the upgrade.</param>
    /// <param name="cancellationToken">Cancels the copy; the transaction is then rolled back.</param>
    public async Task<OlderSystemReport> CopyAsync(IdCertifier ids, TimeZoneInfo timeZone, DateTime now, CancellationToken cancellationToken)
    {
        var report = new OlderSystemReport();
        var convert = new OlderRow(timeZone, now, report);
        if (_stats is not null)
        {
            await CopyStatsAsync(convert, report, cancellationToken);
            await PutBackAsync(Stats, _stats, report, cancellationToken);
        }

        if (_transactions is not null)
        {
            await CopyTransactionsAsync(ids, convert, report, cancellationToken);
            await PutBackAsync(Transactions, _transactions, report, cancellationToken);
        }

        return report;
    }

    private async Task<OlderAttachments?> SetAsideAsync(string table, string[] expected, CancellationToken cancellationToken)
    {
        string[] columns = [.. await connection.QueryAsync<string>(Command(ColumnsSql, new { table }, cancellationToken))];
        if (columns.Length == 0)
        {
            return null;
        }

        string[] missing = [.. expected.Except(columns, StringComparer.OrdinalIgnoreCase)];
        string[] unknown = [.. columns.Except(expected, StringComparer.OrdinalIgnoreCase)];
        if (missing.Length > 0 || unknown.Length > 0)
        {
            string difference = string.Join(" and ", new[]
            {
                missing.Length > 0 ? $"lacks {string.Join(", ", missing)}" : null,
                unknown.Length > 0 ? $"has also {string.Join(", ", unknown)}" : null,
            }.OfType<string>());
            throw new MigrationException(
                $"The table {table} is not as the older system made it: it {difference}. "
                + "Nothing was changed; rename the table, or move those columns to a table of their own, and run this again.");
        }

        var attachments = new OlderAttachments(table);
        await attachments.ReadAsync((sql, of) => ReadTextsAsync(sql, of, cancellationToken));
        await connection.ExecuteAsync(Command(SetAsideSql, new { table, older = $"{table}_older" }, cancellationToken));
        return attachments;
    }

    // What fits is put back after the rows are there: an index is then built once.
    private async Task PutBackAsync(string table, OlderAttachments attachments, OlderSystemReport report, CancellationToken cancellationToken)
    {
        string[] taken = [.. await connection.QueryAsync<string>(Command(OwnIndexesSql, new { table }, cancellationToken))];
        (IReadOnlyList<(string Sql, string Words)> fitting, IReadOnlyList<string> others) = attachments.Plan(taken);
        foreach ((string sql, string _) in fitting)
        {
            await connection.ExecuteAsync(Command(sql, null, cancellationToken));
        }

        report.PutBack = [.. report.PutBack, .. fitting.Select(item => item.Words)];
        report.NotPutBack = [.. report.NotPutBack, .. others];
    }

    private async Task<IReadOnlyList<string?[]>> ReadTextsAsync(string sql, string table, CancellationToken cancellationToken)
    {
        await using DbDataReader reader = await connection.ExecuteReaderAsync(Command(sql, new { table }, cancellationToken));
        return await SqlServerRows.ReadAsync(
            reader,
            row => Enumerable.Range(0, row.FieldCount)
                .Select(column => row.IsDBNull(column) ? null : Convert.ToString(row.GetValue(column), CultureInfo.InvariantCulture))
                .ToArray(),
            cancellationToken);
    }

    private async Task CopyStatsAsync(OlderRow convert, OlderSystemReport report, CancellationToken cancellationToken)
    {
        string[] columns = s_statsColumns;
        await connection.ExecuteAsync(Command(RankSql, null, cancellationToken));
        long after = long.MinValue;
        while (true)
        {
            var newest = new List<object?[]>();
            var others = new List<object?[]>();
            await using (DbDataReader row = await connection.ExecuteReaderAsync(Command(ReadStatsSql, new { limit = ChunkSize, after }, cancellationToken)))
            {
                while (await row.ReadAsync(cancellationToken))
                {
                    after = Integer(row, 0);
                    List<object?[]> target = row.GetInt32(7) == 1 ? newest : others;
                    target.Add(Converted(Stats, row, () => [
                        after, Integer(row, 1), Integer(row, 2), Double(row, 3), Double(row, 4), Integer(row, 5), convert.Time(Value(row, 6))]));
                }
            }

            if (newest.Count + others.Count == 0)
            {
                break;
            }

            await WriteAsync(Stats, columns, newest, cancellationToken);
            await WriteAsync($"{Stats}_superseded", columns, others, cancellationToken);
            report.Baselines += newest.Count;
            report.BaselinesSuperseded += others.Count;
        }

        await connection.ExecuteAsync(Command(FinishStatsSql, null, cancellationToken));
    }

    private async Task CopyTransactionsAsync(IdCertifier ids, OlderRow convert, OlderSystemReport report, CancellationToken cancellationToken)
    {
        string[] columns =
        [
            "id", "transaction_key", "user_id", "category_id", "amount", "amount_legacy", "z_score", "is_anomaly", "status", "reason",
            "occurred_at", "accepted_at", "created_at",
        ];
        long after = long.MinValue;
        while (true)
        {
            var rows = new List<object?[]>();
            CommandDefinition read = Command(ReadTransactionsSql, new { limit = ChunkSize, after }, cancellationToken);
            await using (DbDataReader row = await connection.ExecuteReaderAsync(read))
            {
                while (await row.ReadAsync(cancellationToken))
                {
                    after = Integer(row, 0);
                    rows.Add(Converted(Transactions, row, () =>
                    {
                        (decimal? amount, double? legacy) = convert.Amount(row.GetValue(3));
                        double? zScore = row.IsDBNull(4) ? null : Double(row, 4);
                        DateTime at = convert.Time(Value(row, 6));

                        // The older system stored no baseline with a row; a score of NULL meant that it had found none.
                        return
                        [
                            after, SqlServerTables.Key(ids.ForOlderRow(after)), Integer(row, 1), Integer(row, 2), amount, legacy, zScore,
                            convert.IsAnomaly(row.IsDBNull(5) ? null : Convert.ToBoolean(row.GetValue(5), CultureInfo.InvariantCulture), zScore),
                            Names.Of(TransactionStatus.Scored), Names.Of(zScore is null ? ScoreReason.NoBaseline : ScoreReason.Scored), at, at, at,
                        ];
                    }));
                }
            }

            if (rows.Count == 0)
            {
                break;
            }

            await WriteAsync(Transactions, columns, rows, cancellationToken);
            report.Transactions += rows.Count;
        }

        await connection.ExecuteAsync(Command(FinishTransactionsSql, null, cancellationToken));
    }

    private async Task WriteAsync(string table, string[] columns, List<object?[]> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        using var data = new DataTable();
        for (int i = 0; i < columns.Length; i++)
        {
            data.Columns.Add(columns[i], rows.Select(row => row[i]?.GetType()).FirstOrDefault(type => type is not null) ?? typeof(string));
        }

        rows.ForEach(row => data.Rows.Add(row));
        using var copy = new SqlBulkCopy(connection, SqlBulkCopyOptions.KeepIdentity | SqlBulkCopyOptions.CheckConstraints, transaction)
        {
            DestinationTableName = table,
            BulkCopyTimeout = timeout,
        };
        foreach (string column in columns)
        {
            copy.ColumnMappings.Add(column, column);
        }

        await copy.WriteToServerAsync(data, cancellationToken);
    }

    private CommandDefinition Command(string sql, object? parameters, CancellationToken cancellationToken) =>
        new(sql, parameters, transaction, timeout, cancellationToken: cancellationToken);

    // The columns have the types of the older system's script, or those to which an operator has changed them: BIGINT, DECIMAL, DATETIME2 …
    private static long Integer(DbDataReader row, int ordinal) => Convert.ToInt64(row.GetValue(ordinal), CultureInfo.InvariantCulture);

    private static double Double(DbDataReader row, int ordinal) => Convert.ToDouble(row.GetValue(ordinal), CultureInfo.InvariantCulture);

    private static object? Value(DbDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetValue(ordinal);

    private static object?[] Converted(string table, DbDataReader row, Func<object?[]> convert)
    {
        try
        {
            return convert();
        }
        catch (Exception e) when (e is InvalidCastException or FormatException or OverflowException)
        {
            throw new MigrationException(
                $"The row with id {row.GetValue(0)} of {table} holds a value that is not of its column's kind: {e.Message} "
                + "Nothing was changed; correct the row and run this again.");
        }
    }
}
