using FinanceIngest.Http;
using FinanceIngest.Results;

namespace FinanceIngest.Events;

/// <summary>An anomaly as news for any number of streams: it is written once, when the first of them wants it.</summary>
/// <param name="result">The anomaly.</param>
/// <param name="cursor">The place in the feed behind it.</param>
internal sealed class AnomalyNews(TransactionResult result, FeedCursor cursor)
{
    private byte[]? _event;

    /// <summary>Whose it is.</summary>
    public long? UserId => result.UserId;

    /// <summary>The event. One thread asks for it.</summary>
    public byte[] Event => _event ??= ServerSentEvent.Of("anomaly", cursor, ApiResponse.Json(200, json => ResultJson.Write(json, result)).Body);
}
