using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>A message of the inbound queue, decoded: what can be scored, what can't and why.</summary>
public sealed class InboundMessage
{
    private const int MaximumDepth = 16;

    /// <summary>The transactions that can be scored.</summary>
    public List<Transaction> Transactions { get; } = [];

    /// <summary>The transactions that can't, as far as they could be read.</summary>
    public List<UnreadableTransaction> Unreadable { get; } = [];

    /// <summary>W3C trace context of the sender.</summary>
    public string? TraceParent { get; private set; }

    /// <summary>Whether this is the marker of unsent alerts.</summary>
    public bool IsAlertMarker { get; private set; }

    /// <summary>Whether a transaction came without an id, so that its id derives from the message it came in.</summary>
    public bool HasDerivedIds { get; private set; }

    /// <summary>Why the message is poison; null when all of it can be scored.</summary>
    public string? PoisonReason { get; private set; }

    /// <summary>
    /// Decodes a message of ours, the older system's bare object, and either without base64. Never throws for what a text may hold.
    /// </summary>
    /// <param name="queue">The queue's name; with the message's id it makes the ids of transactions that have none.</param>
    /// <param name="message">The message.</param>
    /// <param name="ids">Checks and makes ids.</param>
    public static InboundMessage Decode(string queue, LeasedMessage message, IdCertifier ids)
    {
        var decoded = new InboundMessage();
        if (!MessageText.TryDecode(message.Text, out byte[] json))
        {
            decoded.PoisonReason = "neither base64 nor JSON";
            return decoded;
        }

        try
        {
            decoded.Read(json, queue, message, ids);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What was read of a broken text is not to be trusted: none of it is scored.
            decoded.Transactions.Clear();
            decoded.Unreadable.Clear();
            decoded.HasDerivedIds = false;
            decoded.PoisonReason = $"not JSON: {e.Message}";
        }

        return decoded;
    }

    private void Read(byte[] json, string queue, LeasedMessage message, IdCertifier ids)
    {
        var options = new JsonReaderOptions { MaxDepth = MaximumDepth };
        Envelope envelope = Inspect(json, options);
        var reader = new Utf8JsonReader(json, options);
        reader.Read();
        if (!envelope.IsEnvelope)
        {
            Add(TransactionFields.ReadQueued(ref reader), 0, queue, message, ids);
            RefuseTrailingText(ref reader);
            return;
        }

        TraceParent = envelope.TraceParent;
        IsAlertMarker = envelope.IsAlertMarker;
        if (envelope.Version != 1)
        {
            PoisonReason = $"unknown envelope version {envelope.Version?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "(none)"}";
            return;
        }

        if (envelope.TransactionsAt < 0)
        {
            PoisonReason = "the envelope has no array \"transactions\"";
            return;
        }

        var items = new Utf8JsonReader(json.AsSpan(envelope.TransactionsAt), options);
        items.Read();
        for (int index = 0; items.Read() && items.TokenType != JsonTokenType.EndArray; index++)
        {
            Add(TransactionFields.ReadQueued(ref items), index, queue, message, ids);
        }
    }

    // One pass over the top level, so that fields may come in any order and all of the text is known to be JSON.
    private static Envelope Inspect(byte[] json, JsonReaderOptions options)
    {
        var reader = new Utf8JsonReader(json, options);
        reader.Read();
        var envelope = new Envelope { TransactionsAt = -1 };
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            RefuseTrailingText(ref reader);
            return envelope;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "v":
                    envelope.IsEnvelope = true;
                    envelope.Version = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long version) ? version : null;
                    break;
                case "transactions":
                    envelope.IsEnvelope = true;
                    envelope.TransactionsAt = reader.TokenType == JsonTokenType.StartArray ? (int)reader.TokenStartIndex : -1;
                    break;
                case "traceparent" when reader.TokenType == JsonTokenType.String:
                    envelope.TraceParent = reader.GetString() is { Length: <= 64 } text ? text : null;
                    break;
                case "marker" when reader.TokenType == JsonTokenType.String:
                    envelope.IsAlertMarker = reader.GetString() == "unsent-alerts";
                    break;
            }

            reader.Skip();
        }

        RefuseTrailingText(ref reader);
        return envelope;
    }

    private static void RefuseTrailingText(ref Utf8JsonReader reader)
    {
        if (reader.Read())
        {
            throw new JsonException("there is more after the end of the value");
        }
    }

    private void Add(TransactionFields fields, int index, string queue, LeasedMessage message, IdCertifier ids)
    {
        Guid? id = fields.Id;
        if (id is { } given && !ids.IsIssued(given))
        {
            // A row under an id that was never issued would make it look as if it had been.
            fields.AddError("id", "was not issued by this installation");
            id = null;
        }
        else if (id is null && fields.Errors?.Messages.ContainsKey("id") != true && HoldsAnything(fields))
        {
            id = ids.ForMessage(queue, message.Id, index);
            HasDerivedIds = true;
        }

        DateTime acceptedAt = fields.AcceptedAt ?? Timestamp.Truncate(message.InsertedAt);
        DateTime occurredAt = fields.OccurredAt ?? acceptedAt;
        if (fields.Errors is null)
        {
            Transactions.Add(new Transaction(id!.Value, fields.UserId!.Value, fields.CategoryId!.Value, fields.Amount!.Value, occurredAt, acceptedAt));
            return;
        }

        Unreadable.Add(new UnreadableTransaction(id, fields.UserId, fields.CategoryId, fields.Amount, fields.OccurredAt, acceptedAt, fields.Errors.ToString()));
        PoisonReason ??= $"transaction {index}: {fields.Errors}";
    }

    // A text without one readable field is no transaction: it gets no row.
    private static bool HoldsAnything(TransactionFields fields) =>
        fields.UserId is not null || fields.CategoryId is not null || fields.Amount is not null;

    private struct Envelope
    {
        public bool IsEnvelope;
        public bool IsAlertMarker;
        public long? Version;
        public int TransactionsAt;
        public string? TraceParent;
    }
}

/// <summary>A transaction that can't be scored, as far as it could be read.</summary>
/// <param name="Id">Null when its id is not one of ours: it gets no row then.</param>
/// <param name="UserId">Null when unreadable.</param>
/// <param name="CategoryId">Null when unreadable.</param>
/// <param name="Amount">Null when unreadable.</param>
/// <param name="OccurredAt">Null when absent or unreadable.</param>
/// <param name="AcceptedAt">When it was accepted, or its message inserted.</param>
/// <param name="Error">What is wrong.</param>
public sealed record UnreadableTransaction(
    Guid? Id, long? UserId, long? CategoryId, Money? Amount, DateTime? OccurredAt, DateTime AcceptedAt, string Error);
