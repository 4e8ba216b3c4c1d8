using System.Text;
using FinanceIngest.Http;
using FinanceIngest.Results;

namespace FinanceIngest.Events;

/// <summary>An event as it goes over the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).</summary>
internal static class ServerSentEvent
{
    /// <summary>Writes an event.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="cursor">The place in the feed that becomes the event's id; null: it has none.</param>
    /// <param name="data">Its data, JSON in one line.</param>
    public static byte[] Of(string type, FeedCursor? cursor, ReadOnlyMemory<byte> data)
    {
        string id = cursor is { } place ? $"id: {Cursors.Write(place)}\n" : "";
        return [.. Encoding.UTF8.GetBytes($"event: {type}\n{id}data: "), .. data.Span, (byte)'\n', (byte)'\n'];
    }
}

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
