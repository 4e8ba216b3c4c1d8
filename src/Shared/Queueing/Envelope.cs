using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>
/// What one message of this system says, and its JSON: <c>{"v":1,"traceparent":…,"transactions":[…]}</c>. With transactions of a history it also has
/// <c>"history":true</c>, and instead of transactions it may have <c>"commands":[…]</c>. <see cref="EnvelopeBuilder"/> fills one,
/// <see cref="EnvelopeReader"/> reads one from a message, <see cref="EnvelopePacking"/> keeps one in few bytes; <see cref="MessageBody"/> is its form on a
/// queue.
/// </summary>
/// <remarks>
/// This system writes no envelope that has both transactions and commands, although it reads such: a worker that knows nothing of commands then takes none of
/// them for done, but gives up the message, which can be put back.
/// </remarks>
/// <param name="TraceParent">W3C trace context of the sender, if any.</param>
/// <param name="Transactions">The transactions.</param>
/// <param name="JsonLength">Bytes of the JSON; at most <see cref="MessageText.MaximumJsonLength"/>.</param>
internal sealed record Envelope(string? TraceParent, IReadOnlyList<Transaction> Transactions, int JsonLength)
{
    // Bytes of one transaction's JSON, at most.
    private const int MaximumItem = 400;

    private const int AmountDigits = 32;

    private static ReadOnlySpan<byte> Tail => "]}"u8;

    private static ReadOnlySpan<byte> HistoryField => "\"history\":true,"u8;

    private static ReadOnlySpan<byte> TransactionsField => "\"transactions\":["u8;

    private static ReadOnlySpan<byte> CommandsField => "\"commands\":["u8;

    /// <summary>The JSON of the commands, in their order; an envelope has transactions or commands.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Commands { get; init; } = [];

    /// <summary>Whether the transactions are part of a history that is put in.</summary>
    public bool IsHistory { get; init; }

    /// <summary>Bytes of the JSON without a transaction.</summary>
    public static int EmptyLength(string? traceParent, bool isHistory = false) =>
        EmptyLength(traceParent, TransactionsField) + (isHistory ? HistoryField.Length : 0);

    /// <summary>Bytes of the JSON without a command.</summary>
    public static int EmptyLengthOfCommands(string? traceParent) => EmptyLength(traceParent, CommandsField);

    private static int EmptyLength(string? traceParent, ReadOnlySpan<byte> field) =>
        "{\"v\":1,"u8.Length + field.Length + Tail.Length
        + (traceParent is null ? 0 : "\"traceparent\":\"\","u8.Length + JsonEncodedText.Encode(traceParent).EncodedUtf8Bytes.Length);

    /// <summary>Bytes of a transaction's JSON, the comma before it included.</summary>
    public static int LengthOf(Transaction transaction)
    {
        Span<byte> amount = stackalloc byte[AmountDigits];
        return ",{\"id\":\"\",\"user_id\":,\"category_id\":,\"amount\":,\"occurred_at\":\"\",\"accepted_at\":\"\"}"u8.Length + 36 + (2 * Timestamp.Length)
            + Digits(transaction.UserId) + Digits(transaction.CategoryId) + transaction.Amount.Format(amount, atLeastOneDecimal: false)
            + (transaction.Replaces is null ? 0 : ",\"replaces\":\"\""u8.Length + 36);
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

        if (IsHistory)
        {
            json.Write(HistoryField);
        }

        if (Commands.Count > 0)
        {
            json.Write(CommandsField);
            WriteItems(json, Commands.Count, index => json.Write(Commands[index].Span));
        }
        else
        {
            json.Write(TransactionsField);
            WriteItems(json, Transactions.Count, index => json.Advance(Write(Transactions[index], json.GetSpan(MaximumItem))));
        }

        json.Write(Tail);
        return json.WrittenSpan.ToArray();
    }

    private static void WriteItems(ArrayBufferWriter<byte> json, int count, Action<int> write)
    {
        for (int i = 0; i < count; i++)
        {
            if (i > 0)
            {
                json.Write(","u8);
            }

            write(i);
        }
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
        if (transaction.Replaces is { } replaced)
        {
            Append("\",\"replaces\":\""u8, destination, ref at);
            replaced.TryFormat(destination[at..], out written, "D");
            at += written;
        }

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
