using System.Text;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Messages of the inbound queue, from any producer.</summary>
internal sealed class InboundTarget : FuzzTarget
{
    private const string Queue = "transactions-inbound";
    private static readonly IdCertifier s_ids = new("a signing key for fuzzing", new InstantTime());

    /// <inheritdoc/>
    public override string Name => "inbound";

    /// <inheritdoc/>
    public override string Properties =>
        "decoding never throws; only certified ids; text and base64 decode alike; decoded transactions encode and decode again; "
            + "ids are found without parsing; removing a person leaves the other transactions as they were";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "{\"v\":1,\"transactions\":[", "]}", "\"v\":1,", "\"v\":2,", "\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\",",
        "\"marker\":\"unsent-alerts\",", "\"transactions\":", "\"id\":",
        "\"accepted_at\":\"2026-11-22T19:02:28.123456Z\",", "{\"user_id\":399,\"category_id\":2310,\"amount\":25000}",
        "{\"user_id\":400,\"category_id\":2310,\"amount\":25000},", "\"user_id\":399,",
        $"\"id\":\"{s_ids.ForIdempotencyKey(399, "a")}\",", $"\"id\":\"{s_ids.ForIdempotencyKey(400, "b")}\",",
        "\"id\":\"00000000-0000-0000-0000-000000000000\",", "\uFEFF", "\"\\ud800\"", .. SubmitTarget.JsonTokens,
    ];

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        Delivery message = Decode(text);
        StaysAsItIs(text, message);
        Check(message);
        if (MessageText.TryDecode(text, out byte[] json))
        {
            // What can't be read at all is poison either way; only base64 tells which other encoding its bytes may have.
            Delivery encoded = Decode(MessageText.Encode(json));
            bool isUnreadable = message is { PoisonReason: not null, Transactions.Count: 0, Unreadable.Count: 0 };
            Same(message, encoded, "base64 or not is all the same", isUnreadable && encoded.PoisonReason is not null);
            FindsIds(message, text, json);
            TravelsAgain(message);
            TakesOut(message, text);
        }

        return $"{(message.PoisonReason is { } reason ? Texts.Shape(reason) : "fine")} {Math.Min(3, message.Transactions.Count)} "
            + $"{Math.Min(3, message.Unreadable.Count)} {message.HasDerivedIds} {message.TraceParent is not null}";
    }

    private static Delivery Decode(string text) => new EnvelopeReader(Queue, s_ids).Read(Message(text));

    private static FuzzMessage Message(string text) => new() { Id = "m1", Body = text, InsertedAt = InstantTime.Now.UtcDateTime, DequeueCount = 1 };

    // The worker holds texts of an Azure queue decoded, if encoding gives the same text back.
    private static void StaysAsItIs(string text, Delivery message)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var body = MessageBody.Received(bytes);
        Property.Same(bytes.Length, body.Length, "a received text has its length");
        Same(
            message,
            new EnvelopeReader(Queue, s_ids).Read(new FuzzMessage { Id = "m1", Body = body, InsertedAt = InstantTime.Now.UtcDateTime, DequeueCount = 1 }),
            "a received text is decoded alike");
        Property.Same(text, body.Text, "a received text stays as it is");
    }

    private static void Check(Delivery message)
    {
        Property.Holds(
            message.Transactions.TrueForAll(transaction => s_ids.IsIssued(transaction.Id) && transaction.UserId >= 1 && transaction.CategoryId >= 1),
            "only what is valid is scored",
            $"{message.Transactions.Count}");
        Property.Holds(
            message.Unreadable.TrueForAll(transaction => transaction.Id is not { } id || s_ids.IsIssued(id)),
            "only certified ids get a row",
            $"{message.Unreadable.Count}");
        Property.Holds(message.PoisonReason is not null || message.Unreadable.Count == 0, "what can't be scored makes poison", $"{message.Unreadable.Count}");
        Property.Holds(message.TraceParent is not { Length: > 64 }, "a trace context is short", $"{message.TraceParent?.Length}");
    }

    private static void Same(Delivery one, Delivery two, string property, bool isReasonFree = false)
    {
        if (!isReasonFree)
        {
            Property.Same(one.PoisonReason, two.PoisonReason, property);
        }

        Property.SameItems(one.Transactions, two.Transactions, property);
        Property.SameItems(one.Unreadable, two.Unreadable, property);
        Property.Same((one.TraceParent, one.HasDerivedIds), (two.TraceParent, two.HasDerivedIds), property);
    }

    // A plain search does not find ids that are written with escapes, and derived ids are not in the text.
    private static void FindsIds(Delivery message, string text, byte[] json)
    {
        Delivery found = new EnvelopeReader(Queue, s_ids).FindIds(Message(text), "gave up");
        Property.Holds(
            found.Transactions.Count == 0 && found.Unreadable.TrueForAll(transaction => s_ids.IsIssued(transaction.Id!.Value)),
            "only issued ids are found",
            $"{found.Unreadable.Count}");
        if (!message.HasDerivedIds && !json.AsSpan().Contains((byte)'\\'))
        {
            HashSet<Guid> ids = [.. found.Unreadable.Select(transaction => transaction.Id!.Value)];
            Property.Holds(
                message.Transactions.TrueForAll(transaction => ids.Contains(transaction.Id)),
                "every id that is read is found without parsing",
                $"{ids.Count} of {message.Transactions.Count}");
        }
    }

    private static void TravelsAgain(Delivery message)
    {
        var envelope = new EnvelopeBuilder(message.TraceParent);
        int fitted = message.Transactions.TakeWhile(envelope.TryAdd).Count();
        Delivery again = Decode(envelope.ToBody().Text);
        Property.Same(null, again.PoisonReason, "what is encoded decodes");
        Property.SameItems(message.Transactions[..fitted], again.Transactions, "what is encoded decodes to the same");
        Property.Same(message.TraceParent, again.TraceParent, "a trace context travels");
    }

    private static void TakesOut(Delivery message, string text)
    {
        if (message.PoisonReason is not null || message.Transactions.Count == 0)
        {
            InboundRedaction.Without(text, 399, Queue, "m1", s_ids);
            return;
        }

        long user = message.Transactions[0].UserId;
        Redaction redaction = InboundRedaction.Without(text, user, Queue, "m1", s_ids);
        Property.Holds(redaction.IsConcerned, "a person's message is recognised", $"user {user}");
        Transaction[] theirs = [.. message.Transactions.Where(transaction => transaction.UserId == user)];
        Property.SameItems([.. theirs.Select(transaction => transaction.Id)], redaction.Removed, "a person's transactions are taken out");
        Transaction[] others = [.. message.Transactions.Where(transaction => transaction.UserId != user)];
        Property.Same(others.Length > 0, redaction.Remainder.Count > 0, "what remains is kept, and nothing else");
        Delivery[] remainder = [.. redaction.Remainder.Select(Decode)];
        Property.Holds(
            redaction.Remainder.All(part => Encoding.UTF8.GetByteCount(part) <= MessageText.MaximumLength),
            "what remains fits into messages",
            $"{text.Length} characters");

        // Where one item and its id are too long for a message, a zero stands for the person's, so that the message stays poison.
        if (!(remainder.Length == 1 && remainder[0].Unreadable.Count == theirs.Length))
        {
            Property.Holds(Array.TrueForAll(remainder, part => part.PoisonReason is null), "what remains is a message", $"{text.Length} characters");
        }

        Property.SameItems(others, [.. remainder.SelectMany(part => part.Transactions)], "what remains is as it was");
    }
}
