using System.Runtime.CompilerServices;
using FinanceIngest.Ground;

namespace FinanceIngest.Replay;

/// <summary>Reads a history page by page, as it was when the reading began: rows that are written meanwhile are no part of it.</summary>
internal static class HistoryReader
{
    private const int PageIds = 10_000;

    /// <summary>Reads rows in the order of their row ids.</summary>
    /// <param name="store">The rows.</param>
    /// <param name="period">The rows that are wanted.</param>
    /// <param name="userId">The rows of this user; null: of all users.</param>
    /// <param name="read">Reads one page.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        IReplayStore store, Period period, long? userId, Func<HistoryPart, CancellationToken, Task<HistoryPage<T>>> read,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long last = await store.FindLastAsync(cancellationToken);
        for (long after = 0; after < last;)
        {
            var part = new HistoryPart(after, last, PageIds) { UserId = userId, From = period.From, To = period.To };
            HistoryPage<T> page = await read(part, cancellationToken);
            foreach (T row in page.Rows)
            {
                yield return row;
            }

            after = page.End;
        }
    }
}
