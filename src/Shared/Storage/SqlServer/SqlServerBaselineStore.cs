using System.Runtime.CompilerServices;
using Dapper;
using FinanceIngest.Baselines;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IBaselineStore"/>
internal sealed class SqlServerBaselineStore(SqlServerDatabase database, TimeProvider time) : IBaselineStore
{
    private const int PageSize = 10_000;

    // LOOP JOIN: the statement takes rows in the order of the keys, and locks no other row.
    internal const string UpsertSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @inserted INT;
        BEGIN TRANSACTION;

        UPDATE s SET mean = r.mean, std_dev = r.std_dev, sample_count = r.sample_count, created_at = @now
        FROM @rows r JOIN anomaly_stats s ON s.user_id = r.user_id AND s.category_id = r.category_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        INSERT INTO anomaly_stats (user_id, category_id, mean, std_dev, sample_count, created_at)
        SELECT r.user_id, r.category_id, r.mean, r.std_dev, r.sample_count, @now
        FROM @rows r
        WHERE NOT EXISTS (SELECT 1 FROM anomaly_stats s WHERE s.user_id = r.user_id AND s.category_id = r.category_id)
        ORDER BY r.user_id, r.category_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @inserted = @@ROWCOUNT;

        COMMIT TRANSACTION;
        SELECT @inserted;
        """;

    private static readonly SizedSql s_upsert = new(UpsertSql);

    /// <inheritdoc/>
    public async Task<UpsertCounts> UpsertAsync(IReadOnlyList<BaselineRow> rows, CancellationToken cancellationToken)
    {
        int inserted = await database.RunAsync(
            connection => connection.ExecuteScalarAsync<int>(
                new CommandDefinition(
                    s_upsert.For(rows.Count),
                    new { rows = SqlServerTables.Baselines(rows), now = time.UtcNowMicroseconds() },
                    cancellationToken: cancellationToken)),
            cancellationToken);
        return new UpsertCounts(inserted, rows.Count - inserted);
    }

    // The range of users lets the index find one user's; a page of one category of all users reads through the others.
    internal const string ListPageSql =
        """
        SELECT TOP (@limit) user_id, category_id, mean, std_dev, sample_count
        FROM anomaly_stats
        WHERE user_id BETWEEN @lowest AND @highest AND user_id >= @afterUser AND (user_id > @afterUser OR category_id > @afterCategory)
            AND category_id = COALESCE(@categoryId, category_id)
        ORDER BY user_id, category_id
        """;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<BaselineRow>> ReadPageAsync(
        long? userId, long? categoryId, BaselineKey? after, int limit, CancellationToken cancellationToken)
    {
        var parameters = new
        {
            limit,
            lowest = userId ?? long.MinValue,
            highest = userId ?? long.MaxValue,
            afterUser = after?.UserId ?? long.MinValue,
            afterCategory = after?.CategoryId ?? long.MinValue,
            categoryId,
        };
        IEnumerable<(long UserId, long CategoryId, double Mean, double StdDev, long SampleCount)> page = await database.RunAsync(
            connection => connection.QueryAsync<(long, long, double, double, long)>(
                new CommandDefinition(ListPageSql, parameters, cancellationToken: cancellationToken)),
            cancellationToken);
        return [.. page.Select(row => new BaselineRow(new BaselineKey(row.UserId, row.CategoryId), new Baseline(row.Mean, row.StdDev, row.SampleCount)))];
    }

    internal const string RemoveSql = "DELETE FROM anomaly_stats WHERE user_id = @userId AND category_id = COALESCE(@categoryId, category_id)";

    /// <inheritdoc/>
    public Task<int> RemoveAsync(long userId, long? categoryId, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(RemoveSql, new { userId, categoryId }, cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string ReadPageSql =
        """
        SELECT TOP (@limit) user_id, category_id, mean, std_dev, sample_count
        FROM anomaly_stats
        WHERE user_id >= @UserId AND (user_id > @UserId OR category_id > @CategoryId)
        ORDER BY user_id, category_id
        """;

    /// <inheritdoc/>
    public async IAsyncEnumerable<BaselineRow> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var last = new BaselineKey(long.MinValue, long.MinValue);
        while (true)
        {
            IEnumerable<(long UserId, long CategoryId, double Mean, double StdDev, long SampleCount)> page = await database.RunAsync(
                connection => connection.QueryAsync<(long, long, double, double, long)>(
                    new CommandDefinition(ReadPageSql, new { last.UserId, last.CategoryId, limit = PageSize }, cancellationToken: cancellationToken)),
                cancellationToken);
            int count = 0;
            foreach ((long userId, long categoryId, double mean, double stdDev, long sampleCount) in page)
            {
                last = new BaselineKey(userId, categoryId);
                count++;
                yield return new BaselineRow(last, new Baseline(mean, stdDev, sampleCount));
            }

            if (count < PageSize)
            {
                yield break;
            }
        }
    }
}
