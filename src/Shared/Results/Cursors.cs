using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using FinanceIngest.Http;

namespace FinanceIngest.Results;

/// <summary>Writes and reads cursors, which are opaque texts to clients.</summary>
internal static class Cursors
{
    private const byte FeedKind = 1;
    private const byte AnomalyKind = 2;
    private const byte HistoryKind = 3;

    /// <summary>The text of a place in the feed.</summary>
    public static string Write(FeedCursor cursor) => Write(FeedKind, cursor.Position, cursor.BatchId, cursor.RowId);

    /// <summary>The text of a place in the anomaly history.</summary>
    public static string Write(AnomalyCursor cursor) => Write(AnomalyKind, cursor.OccurredAt.Ticks, cursor.RowId, 0);

    /// <summary>The text of a place in the history of transactions.</summary>
    public static string WriteHistory(AnomalyCursor cursor) => Write(HistoryKind, cursor.OccurredAt.Ticks, cursor.RowId, 0);

    /// <summary>The place in the feed that a request's parameter <c>after</c> names; the start of the feed when it is absent.</summary>
    /// <exception cref="ProblemException">400: the text is not a cursor of the feed.</exception>
    public static FeedCursor ReadFeed(string? text) =>
        text is null ? FeedCursor.Start
        : Read(FeedKind, text) is ( >= 0 and var position, var batchId, var rowId) ? new FeedCursor(position, batchId, rowId)
        : throw Malformed();

    /// <summary>The place in the anomaly history that a request's parameter <c>after</c> names; null when it is absent.</summary>
    /// <exception cref="ProblemException">400: the text is not a cursor of the anomaly history.</exception>
    public static AnomalyCursor? ReadAnomalies(string? text) => ReadPlace(AnomalyKind, text);

    /// <summary>The place in the history of transactions that a request's parameter <c>after</c> names; null when it is absent.</summary>
    /// <exception cref="ProblemException">400: the text is not a cursor of that history.</exception>
    public static AnomalyCursor? ReadHistory(string? text) => ReadPlace(HistoryKind, text);

    private static AnomalyCursor? ReadPlace(byte kind, string? text) =>
        text is null ? null
        : Read(kind, text) is (var ticks, var rowId, _) && ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
            ? new AnomalyCursor(new DateTime(ticks, DateTimeKind.Utc), rowId)
        : throw Malformed();

    private static string Write(byte kind, long first, long second, long third)
    {
        Span<byte> bytes = stackalloc byte[25];
        bytes[0] = kind;
        BinaryPrimitives.WriteInt64BigEndian(bytes[1..], first);
        BinaryPrimitives.WriteInt64BigEndian(bytes[9..], second);
        BinaryPrimitives.WriteInt64BigEndian(bytes[17..], third);
        return Base64Url.EncodeToString(bytes);
    }

    private static (long First, long Second, long Third)? Read(byte kind, string text)
    {
        Span<byte> bytes = stackalloc byte[32];
        return text.Length == 34 && Ascii.IsValid(text) && Base64Url.IsValid(text)
            && Base64Url.TryDecodeFromChars(text, bytes, out int length) && length == 25 && bytes[0] == kind
            ? (
                BinaryPrimitives.ReadInt64BigEndian(bytes[1..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[9..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[17..]))
            : null;
    }

    private static ProblemException Malformed() => Problems.Validation("after", "must be a cursor from an earlier answer");
}
