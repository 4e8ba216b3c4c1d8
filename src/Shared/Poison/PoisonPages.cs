using System.Runtime.CompilerServices;
using FinanceIngest.Ground;

namespace FinanceIngest.Poison;

/// <summary>Reads the poison messages of a store page by page, so that any number of them takes the memory of one page.</summary>
public static class PoisonPages
{
    /// <summary>The messages of a page of summaries.</summary>
    public const int Summaries = 500;

    /// <summary>The messages of a page with texts, of up to 64 KiB each.</summary>
    public const int Messages = 16;

    /// <summary>Lists the messages, oldest first. One that is given up meanwhile is listed too.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public static async IAsyncEnumerable<PoisonSummary> SummariesAsync(
        this IPoisonStore store, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        PoisonPlace? after = null;
        while (await store.ListPageAsync(after, Summaries, cancellationToken) is { Count: > 0 } page)
        {
            foreach (PoisonSummary summary in page)
            {
                yield return summary;
            }

            after = page[^1].Place;
        }
    }

    /// <summary>Reads the messages, oldest first. One that is given up meanwhile is read too.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public static async IAsyncEnumerable<PoisonMessage> MessagesAsync(
        this IPoisonStore store, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        PoisonPlace? after = null;
        while (await store.ReadPageAsync(after, Messages, cancellationToken) is { Count: > 0 } page)
        {
            foreach (PoisonMessage message in page)
            {
                yield return message;
            }

            after = new PoisonPlace(page[^1].FailedAt, page[^1].MessageId);
        }
    }
}
