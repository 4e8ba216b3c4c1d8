using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary><c>POST /api/transactions/batch</c>: a JSON array or NDJSON.</summary>
internal sealed class SubmitBatchEndpoints(TransactionFactory factory, InboundSender sender, BacklogEstimator backlog) : IEndpoints
{
    private const int MaximumBody = 16 * 1024 * 1024;

    // The memory that a transaction takes from its parsing until the client has read the answer: the transaction, its entries in lists, its part of the answer.
    private const int BytesPerTransaction = 256;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes => [new("POST", "/api/transactions/batch", Scopes.Submit, SubmitAsync) { Query = ["history"] }];

    private async Task<ApiResponse> SubmitAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        string? batchKey = IdempotencyKeyHeader.Read(request);
        bool isHistory = request.QueryFlag("history");
        if (isHistory)
        {
            request.RequireScope(Scopes.Manage);
        }

        ManyItems.Format format = ManyItems.RequireFormat(request);
        ReadOnlyMemory<byte> body = await request.ReadBodyAsync(MaximumBody, cancellationToken);
        (Outcome outcome, int count) = Read(body, format, batchKey, isHistory);
        if (count == 0)
        {
            throw Problems.Malformed("holds no transaction");
        }

        if (outcome.Transactions.Count == 0)
        {
            throw outcome.Rejected.NothingAcceptable("transactions");
        }

        // The body is parsed, so its bytes are given back; the transactions are counted instead.
        request.HoldInstead(ApiRequest.BesideItsBody + ((long)outcome.Transactions.Count * BytesPerTransaction) + outcome.Rejected.HeldBytes);
        await SendAsync(request, outcome);
        return outcome.AcceptedCount > 0
            ? ApiResponse.Json(202, outcome.Write, outcome.EstimatedLength).WithRetryAfter(backlog.RetryAfterSeconds)
            : throw Problems.Unavailable("queue", "The inbound queue does not take messages at the moment; nothing was accepted.", sender.RetryAfterSeconds);
    }

    private (Outcome Outcome, int Count) Read(ReadOnlyMemory<byte> body, ManyItems.Format format, string? batchKey, bool isHistory)
    {
        var outcome = new Outcome();
        var next = new TransactionFields();
        int index = 0;
        DateTime acceptedAt = factory.Begin();
        int count = ManyItems.Read(body, format, BatchLimits.MaximumItems, ReadNext, NotAnItem, fields =>
        {
            if (factory.CreateItem(fields, batchKey, index, acceptedAt, isHistory) is { } transaction)
            {
                outcome.Add(index, transaction);
            }
            else
            {
                outcome.Rejected.Add(index, fields.Errors!);
            }

            index++;
        });
        return (outcome, count);

        TransactionFields ReadNext(ref Utf8JsonReader reader)
        {
            next.ReadNext(ref reader);
            return next;
        }
    }

    private async Task SendAsync(ApiRequest request, Outcome outcome)
    {
        try
        {
            outcome.Settle(await sender.SendAsync(outcome.Transactions));
        }
        catch (IntakeOverloadedException)
        {
            throw request.Overloaded();
        }
    }

    private static TransactionFields NotAnItem(string error)
    {
        var fields = new TransactionFields();
        fields.AddError(ValidationErrors.Whole, error);
        return fields;
    }

    /// <summary>What became of each item.</summary>
    private sealed class Outcome
    {
        /// <summary>The most bytes that an accepted transaction takes in the answer.</summary>
        public const int BytesPerAccepted = 64;

        private readonly List<int> _indexes = [];
        private Exception?[]? _failures;

        public List<Transaction> Transactions { get; } = [];

        public RejectedItems Rejected { get; } = new();

        public int EstimatedLength => (Transactions.Count * BytesPerAccepted) + (int)(Rejected.HeldBytes / 2) + 64;

        public int AcceptedCount => _failures is null ? Transactions.Count : _failures.Count(failure => failure is null);

        public void Add(int index, Transaction transaction)
        {
            _indexes.Add(index);
            Transactions.Add(transaction);
        }

        /// <summary>Notes which transactions could not be made durable.</summary>
        public void Settle(Exception?[]? failures)
        {
            _failures = failures;
            for (int i = 0; i < failures?.Length; i++)
            {
                if (failures[i] is not null)
                {
                    Rejected.AddRetryable(_indexes[i]);
                }
            }
        }

        public void Write(Utf8JsonWriter json)
        {
            json.WriteStartObject();
            json.WriteStartArray("accepted");
            Span<byte> item = stackalloc byte[BytesPerAccepted];
            for (int i = 0; i < Transactions.Count; i++)
            {
                if (_failures?[i] is null)
                {
                    Utf8.TryWrite(item, CultureInfo.InvariantCulture, $"{{\"index\":{_indexes[i]},\"id\":\"{Transactions[i].Id}\"}}", out int length);
                    json.WriteRawValue(item[..length], skipInputValidation: true);
                }
            }

            json.WriteEndArray();
            Rejected.Write(json);
            json.WriteEndObject();
        }
    }
}
