using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Commands;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>
/// Reads messages of the inbound queue: envelopes of this system, the older system's bare object, an array of such, and each of them without base64. It never
/// throws for what a text may hold.
/// </summary>
/// <remarks>
/// What other producers write is read as the HTTP API reads it, except that an amount with a float's noise is rounded, as on the older route. An <c>id</c> of
/// theirs means nothing here; only one that this installation issued is kept, which a message has that was put together anew.
/// </remarks>
/// <param name="queue">The queue's name; with the message's id it makes the ids of transactions that have none.</param>
/// <param name="ids">Checks and makes ids.</param>
internal sealed class EnvelopeReader(string queue, IdCertifier ids)
{
    private const int MaximumDepth = 16;
    private const int IdLength = 36;

    /// <summary>The queue's name.</summary>
    public string Queue => queue;

    /// <summary>Reads a message.</summary>
    public Delivery Read(LeasedMessage message)
    {
        var delivery = new Delivery(message);
        if (message.Body.TryGetEnvelope(out Envelope? envelope) && HoldsAsItIs(envelope))
        {
            delivery.TraceParent = W3CTrace.Read(envelope.TraceParent);
            delivery.Transactions.AddRange(envelope.Transactions);
            return delivery;
        }

        if (!message.Body.TryDecode(out byte[] json))
        {
            delivery.PoisonReason = Explain(message.Text, "neither base64 nor JSON");
            return delivery;
        }

        // A program that did not know this packing has put it on the poison queue as it was, from which it was put back.
        if (EnvelopePacking.TryUnpack(json, out envelope))
        {
            json = envelope.ToJson();
        }

        try
        {
            Read(json, delivery);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What was read of a broken text is not to be trusted: none of it is scored.
            delivery.Forget();

            // The reason is logged: it says where the text breaks, not what a parser's message quotes of it.
            string problem = e is JsonException { LineNumber: { } line, BytePositionInLine: { } position }
                ? string.Create(CultureInfo.InvariantCulture, $"not JSON: line {line + 1}, byte {position + 1} can't be read")
                : "neither a JSON object nor an array of such";
            delivery.PoisonReason = Explain(message.Text, problem);
        }

        return delivery;
    }

    private bool HoldsAsItIs(Envelope envelope) => envelope.Commands.Count == 0
        && envelope.Transactions.All(transaction => ids.IsIssued(transaction.Id) && (transaction.Replaces is not { } replaced || ids.IsIssued(replaced)));

    private static string Explain(string text, string problem) =>
        MessageText.NameEncoding(text) is { } encoding ? $"not UTF-8 JSON or its base64, but {encoding}" : problem;

    /// <summary>
    /// Finds the transactions of a message whose reading ends the process: every issued id that its text names, by a plain search, except where it names
    /// another transaction than its own. Nothing is parsed, so that what is wrong with the text can do no harm here.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="error">What is said of each transaction.</param>
    public Delivery FindIds(LeasedMessage message, string error)
    {
        var delivery = new Delivery(message);
        if (!message.Body.TryDecode(out byte[] json))
        {
            return delivery;
        }

        var seen = new HashSet<Guid>();
        DateTime acceptedAt = Timestamp.Truncate(message.InsertedAt);
        for (int quote = 0; quote + IdLength < json.Length; quote++)
        {
            if (json[quote] == '"'
                && Utf8Parser.TryParse(json.AsSpan(quote + 1, IdLength), out Guid id, out int length) && length == IdLength
                && ids.IsIssued(id) && !NamesAnother(json.AsSpan(0, quote)) && seen.Add(id))
            {
                delivery.Unreadable.Add(new FailedTransaction(id, null, null, null, null, acceptedAt, error));
            }
        }

        return delivery;
    }

    // The transactions of a command and of "replaces" are not the message's own: they have, or get, a row by their own messages.
    private static bool NamesAnother(ReadOnlySpan<byte> before)
    {
        ReadOnlySpan<byte> name = before.TrimEnd(": \t\r\n"u8);
        return name.EndsWith("\"transaction_id\""u8) || name.EndsWith("\"replaces\""u8);
    }

    private void Read(byte[] json, Delivery delivery)
    {
        var options = new JsonReaderOptions { MaxDepth = MaximumDepth };
        var reader = new Utf8JsonReader(json, options);
        reader.Read();
        if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
        {
            throw new JsonException("neither an object nor an array");
        }

        if (reader.TokenType == JsonTokenType.StartArray)
        {
            if (ReadItems(ref reader, delivery, isBare: true) == 0)
            {
                delivery.PoisonReason = "the array holds no transaction";
            }
        }
        else if (!ReadEnvelope(ref reader, delivery))
        {
            reader = new Utf8JsonReader(json, options);
            reader.Read();
            Add(TransactionFields.ReadBare(ref reader), 0, delivery, isBare: true);
        }

        if (reader.Read())
        {
            throw new JsonException("there is more after the end of the value");
        }
    }

    // One pass, in which fields may come in any order. What was read is forgotten where the rest shows that it does not hold.
    private bool ReadEnvelope(ref Utf8JsonReader reader, Delivery delivery)
    {
        var seen = new EnvelopeFields();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            bool isArray = reader.TokenType == JsonTokenType.StartArray;
            switch (name)
            {
                case "v":
                    seen.IsEnvelope = true;
                    seen.Version = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long number) ? number : null;
                    break;
                case "transactions":
                    seen.IsEnvelope = true;
                    seen.HasTransactions = isArray;
                    delivery.ForgetTransactions();
                    if (isArray)
                    {
                        ReadItems(ref reader, delivery, isBare: false);
                    }

                    break;
                case "commands":
                    seen.HasCommands = isArray;
                    seen.HasOtherCommands = !isArray;
                    delivery.Commands.Clear();
                    seen.CommandProblem = isArray ? ReadCommands(ref reader, delivery) : null;

                    break;
                case "history":
                    seen.IsHistory = reader.TokenType == JsonTokenType.True;
                    seen.HasOtherHistory = reader.TokenType is not (JsonTokenType.True or JsonTokenType.False);
                    break;
                case "traceparent" when reader.TokenType == JsonTokenType.String:
                    delivery.TraceParent = W3CTrace.Read(reader.GetString());
                    break;
            }

            reader.Skip();
        }

        if (!seen.IsEnvelope)
        {
            delivery.TraceParent = null;
            delivery.Forget();
            return false;
        }

        if (seen.Problem is { } problem)
        {
            delivery.Forget();
            delivery.PoisonReason = problem;
        }
        else
        {
            delivery.PoisonReason ??= seen.CommandProblem;
            if (seen.IsHistory)
            {
                delivery.MarkAsHistory();
            }
        }

        return true;
    }

    /// <returns>What is wrong with the first command that can't be read; null: all can be.</returns>
    private string? ReadCommands(ref Utf8JsonReader reader, Delivery delivery)
    {
        string? problem = null;
        for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            // One that can't be read is poison of its own: its neighbours are carried out.
            if (CommandJson.TryRead(JsonElement.ParseValue(ref reader), ids, out Command? command, out string errors))
            {
                delivery.Commands.Add(command);
            }
            else
            {
                problem ??= $"command {index}: {errors}";
            }
        }

        return problem;
    }

    private int ReadItems(ref Utf8JsonReader reader, Delivery delivery, bool isBare)
    {
        int index = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            Add(isBare ? TransactionFields.ReadBare(ref reader) : TransactionFields.ReadQueued(ref reader), index, delivery, isBare);
        }

        return index;
    }

    private void Add(TransactionFields fields, int index, Delivery delivery, bool isBare)
    {
        DateTime insertedAt = Timestamp.Truncate(delivery.Message.InsertedAt);
        Guid? id = fields.Id;
        if (isBare)
        {
            id = id is { } ours && ids.IsIssued(ours) ? ours : null;
            if (fields.OccurredAt > insertedAt + TransactionFields.MaximumFuture)
            {
                fields.AddError("occurred_at", TransactionFields.InTheFuture);
            }
        }
        else if (id is { } given && !ids.IsIssued(given))
        {
            // A row under an id that was never issued would make it look as if it had been.
            fields.AddError("id", TransactionFields.NotIssued);
        }

        if (fields.Replaces is { } replaced && !ids.IsIssued(replaced))
        {
            fields.AddError("replaces", TransactionFields.NotIssued);
        }

        bool isRefused = fields.Errors?.Messages.ContainsKey("id") == true;
        if (isRefused)
        {
            id = null;
        }
        else if (id is null && HoldsAnything(fields))
        {
            id = ids.ForMessage(queue, delivery.Message.Id, index);
            delivery.HasDerivedIds = true;
        }

        delivery.HasDerivedIds |= isBare && id is not null;
        DateTime acceptedAt = fields.AcceptedAt ?? insertedAt;
        DateTime occurredAt = fields.OccurredAt ?? acceptedAt;
        if (fields.Errors is null)
        {
            delivery.Transactions.Add(new Transaction(id!.Value, fields.UserId!.Value, fields.CategoryId!.Value, fields.Amount!.Value, occurredAt, acceptedAt)
            {
                Replaces = fields.Replaces,
            });
            return;
        }

        string errors = SafeText.Cut(fields.Errors.ToString(), Delivery.LongestReason);
        delivery.Unreadable.Add(new FailedTransaction(id, fields.UserId, fields.CategoryId, fields.Amount, fields.OccurredAt, acceptedAt, errors));
        delivery.PoisonReason ??= $"transaction {index}: {errors}";
    }

    // A text without one readable field is no transaction: it gets no row.
    private static bool HoldsAnything(TransactionFields fields) =>
        fields.UserId is not null || fields.CategoryId is not null || fields.Amount is not null;

    /// <summary>What an envelope has beside its items.</summary>
    private struct EnvelopeFields
    {
        /// <summary>Whether the object is an envelope: a transaction of another producer has neither a version nor transactions.</summary>
        public bool IsEnvelope { get; set; }

        public long? Version { get; set; }

        public bool HasTransactions { get; set; }

        public bool HasCommands { get; set; }

        /// <summary>What is wrong with the first command that can't be read; null: nothing.</summary>
        public string? CommandProblem { get; set; }

        /// <summary>Whether "commands" is something else than an array.</summary>
        public bool HasOtherCommands { get; set; }

        public bool IsHistory { get; set; }

        /// <summary>Whether "history" is neither true nor false: alerts might be sent that nobody shall get.</summary>
        public bool HasOtherHistory { get; set; }

        /// <summary>Why nothing of the envelope is scored or carried out; null: it is.</summary>
        public readonly string? Problem =>
            Version != 1 ? $"unknown envelope version {Version?.ToString(CultureInfo.InvariantCulture) ?? "(none)"}"
            : HasOtherHistory ? "the envelope's \"history\" is neither true nor false"
            : HasOtherCommands ? "the envelope's \"commands\" are no array"
            : !HasTransactions && !HasCommands ? "the envelope has no array \"transactions\""
            : null;
    }
}
