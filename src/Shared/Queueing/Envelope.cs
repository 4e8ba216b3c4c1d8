using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>
/// What one message of this system says, and its JSON: <c>{"v":1,"traceparent":…,"transactions":[…]}</c>. <see cref="EnvelopeBuilder"/> fills one,
/// <see cref="EnvelopeReader"/> reads one from a message, <see cref="EnvelopePacking"/> keeps one in few bytes; <see cref="MessageBody"/> is its form on a queue.
/// </summary>
/// <param name="TraceParent">W3C trace context of the sender, if any.</param>
/// <param name="Transactions">The transactions.</param>
/// <param name="JsonLength">Bytes of the JSON; at most <see cref="MessageText.MaximumJsonLength"/>.</param>
internal sealed record Envelope(string? TraceParent, IReadOnlyList<Transaction> Transactions, int JsonLength)
{
    // Bytes of one transaction's JSON, at most.
    private const int MaximumItem = 320;

    private const int AmountDigits = 32;

    private static ReadOnlySpan<byte> Tail => "]}"u8;

    /// <summary>Bytes of the JSON without a transaction.</summary>
    public static int EmptyLength(string? traceParent) =>
        "{\"v\":1,\"transactions\":["u8.Length + Tail.Length
        + (traceParent is null ? 0 : "\"traceparent\":\"\","u8.Length + JsonEncodedText.Encode(traceParent).EncodedUtf8Bytes.Length);

    /// <summary>Bytes of a transaction's JSON, the comma before it included.</summary>
    public static int LengthOf(Transaction transaction)
    {
        Span<byte> amount = stackalloc byte[AmountDigits];
        return ",{\"id\":\"\",\"user_id\":,\"category_id\":,\"amount\":,\"occurred_at\":\"\",\"accepted_at\":\"\"}"u8.Length + 36 + (2 * Timestamp.Length)
            + Digits(transaction.UserId) + Digits(transaction.CategoryId) + transaction.Amount.Format(amount, atLeastOneDecimal: false);
    }

    /// <summary>The JSON, <see cref="JsonLength"/> bytes of UTF-8.</summary>
    public byte[] ToJson()
    {
        var json = new ArrayBufferWriter<byte>(JsonLength + MaximumItem);
        json.Write("{\"v\":1,"u8);
        if (TraceParent is not null)
        {
            json.Write(Encoding.UTF8.GetBytes($"\"traceparent\":\"{JsonEncodedText.Encode(TraceParent)}\","));
        }

        json.Write("\"transactions\":["u8);
        for (int i = 0; i < Transactions.Count; i++)
        {
            if (i > 0)
            {
                json.Write(","u8);
            }

            json.Advance(Write(Transactions[i], json.GetSpan(MaximumItem)));
        }

        json.Write(Tail);
        return json.WrittenSpan.ToArray();
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

    private static int Digits(long positive)
    {
        int digits = 1;
        for (; positive >= 10; positive /= 10)
        {
            digits++;
        }

        return digits;
    }
}
