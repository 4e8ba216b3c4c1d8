using System.Text;
using CsCheck;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Queueing;

/// <summary>The envelope and its reader accept or refuse any text that a queue may hold.</summary>
public sealed class EnvelopeReaderTests
{
    private static readonly IdCertifier s_ids = new("a signing key", new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56)));
    private static readonly DateTime s_insertedAt = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    private static readonly Gen<Transaction> s_transaction = Gen.Select(
        Gen.Long[1, long.MaxValue],
        Gen.Long[1, long.MaxValue],
        Gen.Long[-long.MaxValue, long.MaxValue],
        Gen.Long[0, DateTime.MaxValue.Ticks],
        Gen.Long[0, DateTime.MaxValue.Ticks],
        (user, category, units, occurred, accepted) => new Transaction(s_ids.NewId(), user, category, new Money(units), Instant(occurred), Instant(accepted)));

    // Random texts are built from pieces of real messages, so that they get far into the decoder.
    private static readonly string[] s_pieces =
    [
        "{", "}", "[", "]", ",", ":",
        "\"v\":1", "\"v\":2", "\"transactions\":", "\"traceparent\":\"00\"", "\"marker\":\"unsent-alerts\"",
        "\"user_id\":399", "\"category_id\":2310", "\"amount\":\"16.9\"", "\"amount\":1e400", "\"id\":\"x\"",
        "null", "\"\\ud800\"", "\u0000", " ",
    ];

    private static readonly Gen<string> s_almostAMessage =
        Gen.Int[0, s_pieces.Length - 1].Array[0, 24].Select(picks => string.Concat(picks.Select(pick => s_pieces[pick])));

    [Fact]
    public void What_is_packed_is_unpacked_exactly() => s_transaction.List[1, 300].Sample(transactions =>
    {
        var bodies = new List<MessageBody>();
        var envelope = new EnvelopeBuilder("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        foreach (Transaction transaction in transactions)
        {
            if (!envelope.TryAdd(transaction))
            {
                bodies.Add(envelope.ToBody());
                envelope = new EnvelopeBuilder(null);
                Assert.True(envelope.TryAdd(transaction));
            }
        }

        bodies.Add(envelope.ToBody());
        List<Delivery> messages = bodies.ConvertAll(body => Decode(body.Text));
        List<Delivery> packed = bodies.ConvertAll(body => Decode(MessageBody.Unpack(body.Packed!)));
        Assert.All([.. messages, .. packed], message => Assert.Null(message.PoisonReason));
        Assert.StartsWith("00-4bf92f", messages[0].TraceParent, StringComparison.Ordinal);
        Assert.Equal(transactions, messages.SelectMany(message => message.Transactions));
        Assert.Equal(transactions, packed.SelectMany(message => message.Transactions));
        Assert.All(bodies, body => Assert.Equal(body.Text, MessageBody.Unpack(body.Packed!).Text));
        Assert.All(bodies, body => Assert.Equal(body.Text.Length, MessageBody.Unpack(body.Packed!).Length));
    }, iter: 60);

    [Fact]
    public void No_message_is_longer_than_the_queue_takes()
    {
        var envelope = new EnvelopeBuilder(null);
        var widest = new Transaction(s_ids.NewId(), long.MaxValue, long.MaxValue, new Money(-long.MaxValue), s_insertedAt, s_insertedAt);
        while (envelope.TryAdd(widest))
        {
            // The envelope takes transactions until it is full.
        }

        Assert.InRange(Encoding.UTF8.GetByteCount(envelope.ToBody().Text), MessageText.MaximumLength - 400, MessageText.MaximumLength);
        Assert.True(envelope.Count >= 200);
    }

    [Fact]
    public void An_id_that_was_not_issued_is_poison_packed_or_not()
    {
        var envelope = new EnvelopeBuilder(null);
        envelope.TryAdd(new Transaction(Guid.NewGuid(), 399, 2310, new Money(1), s_insertedAt, s_insertedAt));

        Assert.All([envelope.ToBody(), MessageBody.Unpack(envelope.ToBody().Packed!), envelope.ToBody().Text], body =>
        {
            Delivery message = Decode(body);
            Assert.Contains("was not issued", message.PoisonReason, StringComparison.Ordinal);
            Assert.Empty(message.Transactions);
        });
    }

    [Fact]
    public void Packed_bytes_that_were_damaged_anywhere_never_throw_and_score_nothing_that_was_not_issued()
    {
        var envelope = new EnvelopeBuilder("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        envelope.TryAdd(new Transaction(s_ids.NewId(), 399, 2310, new Money(1), s_insertedAt, s_insertedAt));
        byte[] whole = envelope.ToBody().Packed!;
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.NotNull(Decode(MessageBody.Unpack(whole[..length])).PoisonReason);
        }

        for (int at = 0; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x80;
            Assert.All(Decode(MessageBody.Unpack(damaged)).Transactions, transaction => Assert.True(s_ids.IsIssued(transaction.Id)));
        }
    }

    [Fact]
    public void Any_text_is_decoded_or_poison_and_never_throws() => Gen.OneOf(
        Gen.String, Gen.Byte.Array.Select(Convert.ToBase64String), s_almostAMessage, s_almostAMessage.Select(MessageText.Encode)).Sample(text =>
    {
        Delivery message = Decode(text);
        bool somethingToDo = message.Transactions.Count > 0 || message.PoisonReason is not null;
        bool emptyEnvelope = MessageText.TryDecode(text, out byte[] json)
            && Encoding.UTF8.GetString(json).Contains("\"transactions\"", StringComparison.Ordinal);
        Assert.True(somethingToDo || emptyEnvelope);
        Assert.All(message.Transactions, transaction => Assert.True(s_ids.IsIssued(transaction.Id)));
        Assert.All(message.Unreadable, _ => Assert.NotNull(message.PoisonReason));
    }, iter: 20_000);

    [Fact]
    public void A_text_cut_off_anywhere_scores_nothing()
    {
        var envelope = new EnvelopeBuilder(null);
        envelope.TryAdd(new Transaction(s_ids.NewId(), 399, 2310, new Money(1), s_insertedAt, s_insertedAt));
        string json = Encoding.UTF8.GetString(Convert.FromBase64String(envelope.ToBody().Text));
        for (int length = 0; length < json.Length; length++)
        {
            Delivery message = Decode(json[..length]);
            Assert.NotNull(message.PoisonReason);
            Assert.Empty(message.Transactions);
        }
    }

    private static Delivery Decode(MessageBody body)
    {
        var message = new Message { Id = "message", Body = body, InsertedAt = s_insertedAt, DequeueCount = 1 };
        return new EnvelopeReader("transactions-inbound", s_ids).Read(message);
    }

    private static DateTime Instant(long ticks) => Timestamp.Truncate(new DateTime(ticks, DateTimeKind.Utc));

    private sealed class Message : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(true);

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => Task.FromResult(true);
    }
}
