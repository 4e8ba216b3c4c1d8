using System.Buffers.Binary;
using System.Globalization;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>A message as the embedded queue keeps it: any bytes, and transactions made of them.</summary>
internal sealed class PackedTarget : FuzzTarget
{
    private const string Queue = "transactions-inbound";
    private const int FieldLength = 5 * sizeof(long);
    private static readonly IdCertifier s_ids = new("a signing key for fuzzing", new InstantTime());

    /// <inheritdoc/>
    public override string Name => "packed";

    /// <inheritdoc/>
    public override string Properties => "unpacking never throws; packed or not, a message is decoded alike and has the same text of the same length";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } = ["\u0001", "\0", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "\"", "\\"];

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        var body = MessageBody.Unpack(input);
        Delivery message = Decode(body);
        Same(Decode(body.Text), message, "unpacked or by its text, a message is the same");
        if (body.TryGetEnvelope(out Envelope? content))
        {
            Property.Same(body.Text, MessageBody.Unpack(new MessageBody(content).Packed!).Text, "what was unpacked packs again");
        }

        Property.Holds(body.Length >= 0, "a length is one", $"{body.Length}");
        MadeOf(input);
        return $"{(message.PoisonReason is { } reason ? Texts.Shape(reason) : "fine")} {content?.Transactions.Count is > 0} {content?.TraceParent is not null}";
    }

    private static void MadeOf(byte[] input)
    {
        var envelope = new EnvelopeBuilder(input.Length % 2 == 0 ? null : Convert.ToBase64String(input.AsSpan(0, Math.Min(input.Length, 20))));
        var transactions = new List<Transaction>();
        for (int at = 0; at + FieldLength <= input.Length; at += FieldLength)
        {
            Transaction transaction = Make(input.AsSpan(at, FieldLength));
            if (!envelope.TryAdd(transaction))
            {
                break;
            }

            transactions.Add(transaction);
        }

        MessageBody body = envelope.ToBody();
        var packed = MessageBody.Unpack(body.Packed!);
        Property.Same(body.Text.Length, packed.Length, "a packed message knows the length of its text");
        Property.Same(body.Text, packed.Text, "packed or not, the text is the same");
        Property.Holds(body.Text.Length <= MessageText.MaximumLength, "a message fits into the queue", $"{body.Text.Length}");
        Property.SameItems(transactions, Decode(packed).Transactions, "what is packed is unpacked");
    }

    private static Transaction Make(ReadOnlySpan<byte> fields)
    {
        long user = Math.Max(1, BinaryPrimitives.ReadInt64LittleEndian(fields) & long.MaxValue);
        long category = Math.Max(1, BinaryPrimitives.ReadInt64LittleEndian(fields[8..]) & long.MaxValue);
        long units = Math.Max(-long.MaxValue, BinaryPrimitives.ReadInt64LittleEndian(fields[16..]));
        Guid id = s_ids.ForIdempotencyKey(user, category.ToString(CultureInfo.InvariantCulture));
        return new Transaction(id, user, category, new Money(units), Instant(fields[24..]), Instant(fields[32..]));
    }

    private static DateTime Instant(ReadOnlySpan<byte> field) =>
        Timestamp.Truncate(new DateTime((BinaryPrimitives.ReadInt64LittleEndian(field) & long.MaxValue) % (DateTime.MaxValue.Ticks + 1), DateTimeKind.Utc));

    private static Delivery Decode(MessageBody body) =>
        new EnvelopeReader(Queue, s_ids).Read(new FuzzMessage { Id = "m1", Body = body, InsertedAt = InstantTime.Now.UtcDateTime, DequeueCount = 1 });

    private static void Same(Delivery one, Delivery two, string property)
    {
        Property.Same(one.PoisonReason, two.PoisonReason, property);
        Property.SameItems(one.Transactions, two.Transactions, property);
        Property.SameItems(one.Unreadable, two.Unreadable, property);
        Property.Same(one.TraceParent, two.TraceParent, property);
    }
}
