using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>A message of the inbound queue, decoded: what can be scored, what can't and why.</summary>
internal sealed class InboundMessage
{
    private const int MaximumDepth = 16;
    private const int MaximumTraceParent = 64;

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
        if (message.Body.TryGetContent(out EnvelopeContent? content) && content.Transactions.All(transaction => ids.IsIssued(transaction.Id)))
        {
            decoded.TraceParent = content.TraceParent is { Length: <= MaximumTraceParent } trace ? trace : null;
            decoded.Transactions.AddRange(content.Transactions);
            return decoded;
        }

        if (!message.Body.TryDecode(out byte[] json))
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
            decoded.Forget();
            // Where, not what: a parser's message quotes the text, and this reason is logged.
            decoded.PoisonReason = e is JsonException { LineNumber: { } line, BytePositionInLine: { } position }
                ? string.Create(CultureInfo.InvariantCulture, $"not JSON: line {line + 1}, byte {position + 1} can't be read")
                : "not JSON";
        }

        return decoded;
    }

    /// <summary>
    /// The transactions of a message whose reading ends the process: every issued id that its text names, found by a plain search. Nothing is parsed, so that
    /// what is wrong with the text can do no harm here.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="ids">Tells issued ids from other text.</param>
    /// <param name="error">What is said of each of them.</param>
    public static InboundMessage FindIds(LeasedMessage message, IdCertifier ids, string error)
    {
        const int idLength = 36;
        var found = new InboundMessage();
        if (!message.Body.TryDecode(out byte[] json))
        {
            return found;
        }

        var seen = new HashSet<Guid>();
        DateTime acceptedAt = Timestamp.Truncate(message.InsertedAt);
        for (int quote = 0; quote + idLength < json.Length; quote++)
        {
            if (json[quote] == '"'
                && Utf8Parser.TryParse(json.AsSpan(quote + 1, idLength), out Guid id, out int length) && length == idLength
                && ids.IsIssued(id) && seen.Add(id))
            {
                found.Unreadable.Add(new UnreadableTransaction(id, null, null, null, null, acceptedAt, error));
            }
        }

        return found;
    }

    /// <summary>A message of which nothing but its trace is known here.</summary>
    public static InboundMessage Empty(string? traceParent) => new() { TraceParent = traceParent };

    /// <summary>Some of its transactions, as a message of their own that can be written apart from the rest.</summary>
    /// <param name="start">Index of the first.</param>
    /// <param name="count">How many.</param>
    public InboundMessage Only(int start, int count)
    {
        var part = new InboundMessage { TraceParent = TraceParent };
        part.Transactions.AddRange(Transactions.GetRange(start, count));
        return part;
    }

    /// <summary>What it holds beside transactions that can be scored.</summary>
    public InboundMessage WithoutTransactions()
    {
        var rest = new InboundMessage { TraceParent = TraceParent, PoisonReason = PoisonReason };
        rest.Unreadable.AddRange(Unreadable);
        return rest;
    }

    private void Read(byte[] json, string queue, LeasedMessage message, IdCertifier ids)
    {
        var options = new JsonReaderOptions { MaxDepth = MaximumDepth };
        var reader = new Utf8JsonReader(json, options);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject || !ReadEnvelope(ref reader, queue, message, ids))
        {
            reader = new Utf8JsonReader(json, options);
            reader.Read();
            Add(TransactionFields.ReadQueued(ref reader), 0, queue, message, ids);
        }

        if (reader.Read())
        {
            throw new JsonException("there is more after the end of the value");
        }
    }

    // One pass, in which fields may come in any order. What was read is forgotten where the rest shows that it does not hold.
    private bool ReadEnvelope(ref Utf8JsonReader reader, string queue, LeasedMessage message, IdCertifier ids)
    {
        bool isEnvelope = false;
        bool hasTransactions = false;
        long? version = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "v":
                    isEnvelope = true;
                    version = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long number) ? number : null;
                    break;
                case "transactions":
                    isEnvelope = true;
                    Forget();
                    hasTransactions = reader.TokenType == JsonTokenType.StartArray;
                    if (hasTransactions)
                    {
                        ReadItems(ref reader, queue, message, ids);
                    }

                    break;
                case "traceparent" when reader.TokenType == JsonTokenType.String:
                    TraceParent = reader.GetString() is { Length: <= MaximumTraceParent } text ? text : null;
                    break;
                case "marker" when reader.TokenType == JsonTokenType.String:
                    IsAlertMarker = reader.GetString() == "unsent-alerts";
                    break;
            }

            reader.Skip();
        }

        if (!isEnvelope)
        {
            TraceParent = null;
            IsAlertMarker = false;
            return false;
        }

        if (version != 1)
        {
            Forget();
            PoisonReason = $"unknown envelope version {version?.ToString(CultureInfo.InvariantCulture) ?? "(none)"}";
        }
        else if (!hasTransactions)
        {
            PoisonReason = "the envelope has no array \"transactions\"";
        }

        return true;
    }

    private void ReadItems(ref Utf8JsonReader reader, string queue, LeasedMessage message, IdCertifier ids)
    {
        for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            Add(TransactionFields.ReadQueued(ref reader), index, queue, message, ids);
        }
    }

    private void Forget()
    {
        Transactions.Clear();
        Unreadable.Clear();
        HasDerivedIds = false;
        PoisonReason = null;
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
}

/// <summary>A transaction that can't be scored, as far as it could be read.</summary>
/// <param name="Id">Null when its id is not one of ours: it gets no row then.</param>
/// <param name="UserId">Null when unreadable.</param>
/// <param name="CategoryId">Null when unreadable.</param>
/// <param name="Amount">Null when unreadable.</param>
/// <param name="OccurredAt">Null when absent or unreadable.</param>
/// <param name="AcceptedAt">When it was accepted, or its message inserted.</param>
/// <param name="Error">What is wrong.</param>
internal sealed record UnreadableTransaction(
    Guid? Id, long? UserId, long? CategoryId, Money? Amount, DateTime? OccurredAt, DateTime AcceptedAt, string Error);
