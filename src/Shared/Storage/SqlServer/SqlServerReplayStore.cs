using System.Data;
using System.Data.Common;
using Dapper;
using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Replay;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IReplayStore"/>
internal sealed class SqlServerReplayStore(SqlServerDatabase database) : IReplayStore
{
    private const string RowColumns = "t.id, t.transaction_key, t.user_id, t.category_id, t.amount, t.occurred_at, t.is_anomaly";
    private const string ShadowedColumns = $"{RowColumns}, t.z_score, t.detector, t.shadow";

    // Seconds for a page, whose rows may come from a slow disk.
    private const int Patience = 300;

    internal const string FindLastSql = "SELECT COALESCE(MAX(t.id), 0) FROM anomaly_transactions t";

    /// <inheritdoc/>
    public Task<long> FindLastAsync(CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteScalarAsync<long>(new CommandDefinition(FindLastSql, cancellationToken: cancellationToken)), cancellationToken);

    /// <inheritdoc/>
    public Task<HistoryPage<HistoryRow>> ReadRowsAsync(HistoryPart part, CancellationToken cancellationToken) =>
        ReadAsync(RowsSql(part), part, ToRow, cancellationToken);

    /// <inheritdoc/>
    public Task<HistoryPage<ShadowedRow>> ReadShadowedAsync(HistoryPart part, CancellationToken cancellationToken) => ReadAsync(
        ShadowedSql(part), part,
        static row => new ShadowedRow(ToRow(row), row.IsDBNull(7) ? null : row.GetDouble(7), SqlServerRows.Text(row, 8), row.GetString(9)),
        cancellationToken);

    /// <summary>Each combination of filters has a statement of its own, as for anomalies.</summary>
    internal static string RowsSql(HistoryPart part) => Sql(part, RowColumns, "");

    /// <inheritdoc cref="RowsSql"/>
    internal static string ShadowedSql(HistoryPart part) => Sql(part, ShadowedColumns, " AND t.shadow IS NOT NULL");

    // The place where a part ends is found first, by keys alone, so that no statement looks through more rows than one part has.
    private static string Sql(HistoryPart part, string columns, string where) =>
        $"""
        DECLARE @end BIGINT;
        SELECT @end = t.id FROM anomaly_transactions t WHERE t.id > @After AND t.id <= @Last ORDER BY t.id OFFSET @skipped ROWS FETCH NEXT 1 ROWS ONLY;
        SET @end = COALESCE(@end, @Last);
        SELECT @end;
        SELECT {columns} FROM anomaly_transactions t
        WHERE t.id > @After AND t.id <= @end AND t.status = 'scored' AND t.user_id IS NOT NULL AND t.category_id IS NOT NULL AND t.amount IS NOT NULL
            AND t.occurred_at IS NOT NULL{where}{(part.UserId is null ? "" : " AND t.user_id = @UserId")}{(
            part.From is null ? "" : " AND t.occurred_at >= @From")}{(part.To is null ? "" : " AND t.occurred_at < @To")}
        ORDER BY t.id OPTION (MAXDOP 1);
        """;

    private Task<HistoryPage<T>> ReadAsync<T>(string sql, HistoryPart part, Func<DbDataReader, T> read, CancellationToken cancellationToken) =>
        database.RunAsync(
            async connection =>
            {
                var parameters = new { part.After, part.Last, skipped = part.Ids - 1, part.UserId, part.From, part.To };
                await using DbDataReader reader = await connection.ExecuteReaderAsync(
                    new CommandDefinition(sql, parameters, commandTimeout: Patience, cancellationToken: cancellationToken));
                await reader.ReadAsync(cancellationToken);
                long end = reader.GetInt64(0);
                await reader.NextResultAsync(cancellationToken);
                return new HistoryPage<T>(await SqlServerRows.ReadAsync(reader, read, cancellationToken), end);
            },
            cancellationToken);

    internal const string VerdictsSql =
        """
        SELECT TOP (@limit) f.transaction_key, f.verdict, f.accepted_at FROM feedback f
        WHERE f.transaction_key > @after AND f.verdict IS NOT NULL ORDER BY f.transaction_key;
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<GivenVerdict>> ReadVerdictsAsync(Guid after, int limit, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            var parameters = new DynamicParameters();
            parameters.Add("limit", limit, DbType.Int32);
            parameters.Add("after", SqlServerTables.Key(after), DbType.Binary, size: 16);
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(VerdictsSql, parameters, commandTimeout: Patience, cancellationToken: cancellationToken));
            return (IReadOnlyList<GivenVerdict>)await SqlServerRows.ReadAsync(
                reader,
                static row => new GivenVerdict(
                    SqlServerRows.Id(row, 0), CommandNames.ToVerdict(row.GetString(1)) == FeedbackVerdict.Expected, SqlServerRows.Time(row, 2)!.Value),
                cancellationToken);
        },
        cancellationToken);

    internal const string LearnedSql =
        """
        SELECT TOP (1) m.version, m.began_at, m.as_of, m.made_at FROM detection_models m ORDER BY m.version DESC;
        SELECT COUNT_BIG(*) FROM detection_users u;
        SELECT TOP (1) n.detector, n.shadow, n.occurred_at
        FROM (SELECT TOP (1000) t.id, t.status, t.detector, t.shadow, t.occurred_at FROM anomaly_transactions t ORDER BY t.id DESC) n
        WHERE n.status = 'scored' ORDER BY n.id DESC;
        """;

    /// <inheritdoc/>
    public Task<LearnedFacts> ReadLearnedAsync(CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(LearnedSql, commandTimeout: Patience, cancellationToken: cancellationToken));
            List<ModelFacts> models = await SqlServerRows.ReadAsync(
                reader,
                static row => new ModelFacts(
                    row.GetInt32(0), SqlServerRows.Time(row, 1)!.Value, SqlServerRows.Time(row, 2)!.Value, SqlServerRows.Time(row, 3)!.Value),
                cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            long users = reader.GetInt64(0);
            await reader.NextResultAsync(cancellationToken);
            List<NewestScored> newest = await SqlServerRows.ReadAsync(
                reader,
                static row => new NewestScored(SqlServerRows.Text(row, 0), SqlServerRows.Text(row, 1), SqlServerRows.Time(row, 2)),
                cancellationToken);
            return new LearnedFacts(models.FirstOrDefault(), users, newest.FirstOrDefault());
        },
        cancellationToken);

    private static HistoryRow ToRow(DbDataReader row) => new(
        row.GetInt64(0), SqlServerRows.Id(row, 1), row.GetInt64(2), row.GetInt64(3), row.GetDecimal(4), SqlServerRows.Time(row, 5)!.Value, row.GetBoolean(6));
}
