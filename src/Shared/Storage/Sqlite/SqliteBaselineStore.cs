using System.Runtime.CompilerServices;
using FinanceIngest.Baselines;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IBaselineStore"/>
internal sealed class SqliteBaselineStore(SqliteDatabase database, TimeProvider time) : IBaselineStore
{
    private const int PageSize = 10_000;

    private const string UpdateSql =
        "UPDATE anomaly_stats SET mean = ?3, std_dev = ?4, sample_count = ?5, created_at = ?6 WHERE user_id = ?1 AND category_id = ?2";

    private const string InsertSql =
        "INSERT INTO anomaly_stats (user_id, category_id, mean, std_dev, sample_count, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

    /// <inheritdoc/>
    public Task<UpsertCounts> UpsertAsync(IReadOnlyList<BaselineRow> rows, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            DateTime now = time.UtcNowMicroseconds();
            int inserted = 0;
            int updated = 0;
            foreach (BaselineRow row in rows)
            {
                if (Write(session, UpdateSql, row, now))
                {
                    updated++;
                }
                else
                {
                    Write(session, InsertSql, row, now);
                    inserted++;
                }
            }

            return new UpsertCounts(inserted, updated);
        },
        cancellationToken);

    private static bool Write(SqliteSession session, string sql, BaselineRow row, DateTime now) =>
        session.Execute(sql, row.Key.UserId, row.Key.CategoryId, row.Baseline.Mean, row.Baseline.StdDev, row.Baseline.SampleCount, now) == 1;

    // The range of users lets the index find one user's; a page of one category of all users reads through the others.
    /// <inheritdoc/>
    public Task<IReadOnlyList<BaselineRow>> ReadPageAsync(
        long? userId, long? categoryId, BaselineKey? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<BaselineRow>)session.Query(
            """
            SELECT user_id, category_id, mean, std_dev, sample_count FROM anomaly_stats
            WHERE user_id BETWEEN ?1 AND ?2 AND (user_id, category_id) > (?3, ?4) AND category_id = coalesce(?5, category_id)
            ORDER BY user_id, category_id LIMIT ?6
            """,
            ToRow, userId ?? long.MinValue, userId ?? long.MaxValue, after?.UserId ?? long.MinValue, after?.CategoryId ?? long.MinValue, categoryId, limit),
        cancellationToken);

    /// <inheritdoc/>
    public Task<int> RemoveAsync(long userId, long? categoryId, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute("DELETE FROM anomaly_stats WHERE user_id = ?1 AND category_id = coalesce(?2, category_id)", userId, categoryId),
        cancellationToken);

    private static BaselineRow ToRow(SqliteRow row) =>
        new(new BaselineKey(row.GetInt64(0), row.GetInt64(1)), new Baseline(row.GetDouble(2), row.GetDouble(3), row.GetInt64(4)));

    /// <inheritdoc/>
    public async IAsyncEnumerable<BaselineRow> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var last = new BaselineKey(long.MinValue, long.MinValue);
        while (true)
        {
            List<BaselineRow> page = await database.ReadAsync(
                session => session.Query(
                    """
                    SELECT user_id, category_id, mean, std_dev, sample_count FROM anomaly_stats
                    WHERE (user_id, category_id) > (?1, ?2) ORDER BY user_id, category_id LIMIT ?3
                    """,
                    ToRow,
                    last.UserId, last.CategoryId, PageSize),
                cancellationToken);
            foreach (BaselineRow row in page)
            {
                yield return row;
                last = row.Key;
            }

            if (page.Count < PageSize)
            {
                yield break;
            }
        }
    }
}
