using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary>Reads what a page or a person looks at: a user's history, what failed, and the anomalies of the feed.</summary>
internal interface IHistoryStore
{
    /// <summary>
    /// At most <paramref name="limit"/> transactions, sorted by the time at which they occurred, the newest first; a failed transaction whose time could not be
    /// read counts as of the time at which it failed.
    /// </summary>
    /// <param name="filter">Names a user, or the status <see cref="TransactionStatus.Failed"/>.</param>
    /// <param name="after">Continues behind a row that was read; null: from the newest.</param>
    /// <param name="limit">≥ 1.</param>
    /// <param name="cancellationToken">Abandons the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<HistoryPage> ReadHistoryAsync(HistoryFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken);

    /// <summary>Every scored transaction of a user since an instant (UTC), in any order, without what only its own page shows.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<SpendingRow>> ReadSpendingAsync(long userId, DateTime from, CancellationToken cancellationToken);

    /// <summary>The place behind the newest result of the feed.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<FeedCursor> ReadFeedEndAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The anomalies among the next results of the feed, in its order, and the cursor behind the last result that was looked at. Null when the database was
    /// restored since and the cursor belongs to its earlier history.
    /// </summary>
    /// <param name="after">The place behind which the reading begins.</param>
    /// <param name="reach">About how many results of any kind are looked at; ≥ 1.</param>
    /// <param name="cancellationToken">Abandons the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<FeedAnomalies?> ReadFeedAnomaliesAsync(FeedCursor after, int reach, CancellationToken cancellationToken);
}

/// <summary>Selects transactions of the history; a part that is null selects all.</summary>
/// <param name="UserId">The transactions of this user.</param>
/// <param name="CategoryId">The transactions in this category.</param>
/// <param name="Status">The transactions with this status.</param>
/// <param name="IsAnomaly">Only anomalies, or only others.</param>
/// <param name="MinAmount">The transactions whose amount without its sign is at least this one; ≥ 0.</param>
/// <param name="From">The transactions that occurred at or after this instant.</param>
/// <param name="To">The transactions that occurred before this instant.</param>
internal sealed record HistoryFilter(
    long? UserId = null, long? CategoryId = null, TransactionStatus? Status = null, bool? IsAnomaly = null, Money? MinAmount = null,
    DateTime? From = null, DateTime? To = null);

/// <summary>A page of the history, and the cursor after its last row; null at the end of the history.</summary>
internal sealed record HistoryPage(IReadOnlyList<TransactionResult> Results, AnomalyCursor? Next)
{
    /// <summary>Makes a page of the rows that were found, of which there may be one more than fit on it.</summary>
    public static HistoryPage Of(List<(TransactionResult Result, long RowId)> rows, int limit)
    {
        if (rows.Count <= limit)
        {
            return new HistoryPage([.. rows.Select(row => row.Result)], null);
        }

        (TransactionResult last, long rowId) = rows[limit - 1];
        DateTime happened = last.OccurredAt ?? last.ScoredAt ?? DateTime.UnixEpoch;
        return new HistoryPage([.. rows.Take(limit).Select(row => row.Result)], new AnomalyCursor(happened, rowId));
    }
}

/// <summary>A scored transaction, as sums of a user's spending need it.</summary>
/// <param name="CategoryId">Its category.</param>
/// <param name="Amount">Its amount.</param>
/// <param name="OccurredAt">When it occurred (UTC).</param>
/// <param name="IsAnomaly">Whether it is an anomaly.</param>
internal readonly record struct SpendingRow(long CategoryId, Money Amount, DateTime OccurredAt, bool IsAnomaly);

/// <summary>A part of the feed, of which only the anomalies were read.</summary>
/// <param name="Anomalies">The anomalies, each with the cursor behind it.</param>
/// <param name="Next">The cursor behind the part.</param>
/// <param name="IsEnd">Whether the part ends where the feed ends.</param>
internal sealed record FeedAnomalies(IReadOnlyList<(TransactionResult Result, FeedCursor Cursor)> Anomalies, FeedCursor Next, bool IsEnd);
