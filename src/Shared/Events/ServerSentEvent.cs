using System.Text;
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
