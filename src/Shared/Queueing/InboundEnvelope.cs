using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>
/// Writes the inbound queue's message, <c>{"v":1,"traceparent":…,"transactions":[…]}</c>: as many transactions as
/// fit into one message.
/// </summary>
public sealed class InboundEnvelope
{
    /// <summary>The message that keeps the queue from looking empty while alerts are unsent (see <c>Alerts/AlertMarker</c>).</summary>
    public static readonly string AlertMarkerText = MessageText.Encode("""{"v":1,"marker":"unsent-alerts","transactions":[]}""");

    private static ReadOnlySpan<byte> Tail => "]}"u8;

    private readonly ArrayBufferWriter<byte> _json = new(4096);

    /// <param name="traceParent">W3C trace context of the sender, if any.</param>
    public InboundEnvelope(string? traceParent)
    {
        _json.Write("{\"v\":1,"u8);
        if (traceParent is not null)
        {
            _json.Write(Encoding.UTF8.GetBytes($"\"traceparent\":\"{JsonEncodedText.Encode(traceParent)}\","));
        }

        _json.Write("\"transactions\":["u8);
    }

    /// <summary>Transactions so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a transaction unless the message would grow over the queue's limit.</summary>
    public bool TryAdd(Transaction transaction)
    {
        Span<byte> item = stackalloc byte[320];
        int length = Write(transaction, item);
        if (_json.WrittenCount + length + 1 + Tail.Length > MessageText.MaximumJsonLength)
        {
            return false;
        }

        if (Count > 0)
        {
            _json.Write(","u8);
        }

        _json.Write(item[..length]);
        Count++;
        return true;
    }

    /// <summary>The finished message's text.</summary>
    public string ToMessageText()
    {
        _json.Write(Tail);
        return MessageText.Encode(_json.WrittenSpan);
    }

    private static int Write(Transaction transaction, Span<byte> destination)
    {
        int at = 0;
        Append("{\"id\":\""u8, destination, ref at);
        transaction.Id.TryFormat(destination[at..], out int written, "D");
        at += written;
        Append("\",\"user_id\":"u8, destination, ref at);
        Utf8Formatter.TryFormat(transaction.UserId, destination[at..], out written);
        at += written;
        Append(",\"category_id\":"u8, destination, ref at);
        Utf8Formatter.TryFormat(transaction.CategoryId, destination[at..], out written);
        at += written;
        Append(",\"amount\":"u8, destination, ref at);
        at += transaction.Amount.Format(destination[at..], atLeastOneDecimal: false);
        Append(",\"occurred_at\":\""u8, destination, ref at);
        Timestamp.Write(transaction.OccurredAt, destination[at..]);
        at += Timestamp.Length;
        Append("\",\"accepted_at\":\""u8, destination, ref at);
        Timestamp.Write(transaction.AcceptedAt, destination[at..]);
        at += Timestamp.Length;
        Append("\"}"u8, destination, ref at);
        return at;
    }

    private static void Append(ReadOnlySpan<byte> ascii, Span<byte> destination, ref int at)
    {
        ascii.CopyTo(destination[at..]);
        at += ascii.Length;
    }
}
