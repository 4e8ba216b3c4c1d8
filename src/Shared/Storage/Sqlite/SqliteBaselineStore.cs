using System.Runtime.CompilerServices;
using FinanceIngest.Baselines;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IBaselineStore"/>
internal sealed class SqliteBaselineStore(SqliteDatabase database, TimeProvider time) : IBaselineStore
{
    private const int PageSize = 10_000;

    /// <inheritdoc/>
    public Task<UpsertCounts> UpsertAsync(IReadOnlyList<BaselineRow> rows, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            string now = Timestamp.ToText(time.UtcNowMicroseconds());
            int inserted = 0;
            int updated = 0;
            foreach (BaselineRow row in rows)
            {
                (string, object?)[] columns =
                [
                    ("@user_id", row.Key.UserId), ("@category_id", row.Key.CategoryId),
                    ("@mean", row.Baseline.Mean), ("@std_dev", row.Baseline.StdDev), ("@sample_count", row.Baseline.SampleCount), ("@now", now),
                ];
                int replaced = session.Execute(
                    """
                    UPDATE anomaly_stats SET mean = @mean, std_dev = @std_dev, sample_count = @sample_count, created_at = @now
                    WHERE user_id = @user_id AND category_id = @category_id
                    """,
                    columns);
                updated += replaced;
                inserted += replaced == 1 ? 0 : session.Execute(
                    """
                    INSERT INTO anomaly_stats (user_id, category_id, mean, std_dev, sample_count, created_at)
                    VALUES (@user_id, @category_id, @mean, @std_dev, @sample_count, @now)
                    """,
                    columns);
            }

            return new UpsertCounts(inserted, updated);
        },
        cancellationToken);

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
                    WHERE (user_id, category_id) > (@user_id, @category_id) ORDER BY user_id, category_id LIMIT @limit
                    """,
                    row => new BaselineRow(new BaselineKey(row.GetInt64(0), row.GetInt64(1)), new Baseline(row.GetDouble(2), row.GetDouble(3), row.GetInt64(4))),
                    ("@user_id", last.UserId), ("@category_id", last.CategoryId), ("@limit", PageSize)),
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
