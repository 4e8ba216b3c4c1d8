using System.Globalization;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary><c>POST /api/transactions/batch</c>: a JSON array or NDJSON.</summary>
public sealed class SubmitBatchEndpoints(TransactionFactory factory, InboundSender sender, BacklogEstimator backlog) : IEndpoints
{
    /// <summary>Most transactions in one request.</summary>
    public const int MaximumItems = 10_000;

    private const int MaximumBody = 16 * 1024 * 1024;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes => [new("POST", "/api/transactions/batch", Scopes.Submit, SubmitAsync)];

    private async Task<ApiResponse> SubmitAsync(ApiRequest request, string id, CancellationToken cancellationToken)
    {
        string? batchKey = IdempotencyKeyHeader.Read(request);
        string mediaType = request.MediaType();
        bool ndjson = ApiRequest.IsNdjson(mediaType);
        if (!ndjson && !ApiRequest.IsJson(mediaType))
        {
            throw Problems.UnsupportedMediaType("The body must be a JSON array (application/json) or one object per line (application/x-ndjson).");
        }

        ReadOnlyMemory<byte> body = await request.ReadBodyAsync(MaximumBody, cancellationToken);
        var outcome = new Outcome();
        int index = 0;
        foreach (TransactionFields fields in JsonItems.Read(body, ndjson, MaximumItems, TransactionFields.Read, NotAnItem))
        {
            if (factory.CreateItem(fields, batchKey, index) is { } transaction)
            {
                outcome.Add(index, transaction);
            }
            else
            {
                outcome.Reject(index, fields.Errors!);
            }

            index++;
        }

        if (index == 0)
        {
            throw Problems.Malformed("holds no transaction");
        }

        if (outcome.Transactions.Count == 0)
        {
            throw outcome.NothingAcceptable();
        }

        await SendAsync(outcome, cancellationToken);
        return outcome.AcceptedCount > 0
            ? ApiResponse.Json(202, outcome.Write).WithRetryAfter(backlog.RetryAfterSeconds)
            : throw Problems.Unavailable("queue", "The inbound queue does not take messages at the moment; nothing was accepted.", backlog.RetryAfterSeconds);
    }

    private async Task SendAsync(Outcome outcome, CancellationToken cancellationToken)
    {
        try
        {
            outcome.Failures = await sender.SendAsync(outcome.Transactions, cancellationToken);
        }
        catch (IntakeOverloadedException e)
        {
            throw Problems.Unavailable("overloaded", e.Message, 1);
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
        private readonly List<int> _indexes = [];
        private readonly List<(int Index, ValidationErrors Errors)> _invalid = [];

        public List<Transaction> Transactions { get; } = [];

        public Exception?[]? Failures { get; set; }

        public int AcceptedCount => Failures is null ? Transactions.Count : Failures.Count(failure => failure is null);

        public void Add(int index, Transaction transaction)
        {
            _indexes.Add(index);
            Transactions.Add(transaction);
        }

        public void Reject(int index, ValidationErrors errors) => _invalid.Add((index, errors));

        public ProblemException NothingAcceptable()
        {
            var errors = new ValidationErrors();
            foreach ((int index, ValidationErrors own) in _invalid)
            {
                foreach ((string field, List<string> messages) in own.Messages)
                {
                    messages.ForEach(message => errors.Add($"[{index.ToString(CultureInfo.InvariantCulture)}].{field}", message));
                }
            }

            return new ProblemException(new Problem(400, "validation", "The request is not valid.", $"None of {_invalid.Count} transactions is acceptable.")
            {
                Errors = errors.Messages,
                Extension = WriteRejected,
            });
        }

        public void Write(Utf8JsonWriter json)
        {
            json.WriteStartObject();
            json.WriteStartArray("accepted");
            for (int i = 0; i < Transactions.Count; i++)
            {
                if (Failures?[i] is null)
                {
                    json.WriteStartObject();
                    json.WriteNumber("index", _indexes[i]);
                    json.WriteString("id", Transactions[i].Id);
                    json.WriteEndObject();
                }
            }

            json.WriteEndArray();
            WriteRejected(json);
            json.WriteEndObject();
        }

        private void WriteRejected(Utf8JsonWriter json)
        {
            IEnumerable<(int Index, ValidationErrors? Errors)> failed = Failures is null
                ? []
                : _indexes.Where((_, i) => Failures[i] is not null).Select(index => (index, (ValidationErrors?)null));
            json.WriteStartArray("rejected");
            foreach ((int index, ValidationErrors? errors) in _invalid.Select(item => (item.Index, (ValidationErrors?)item.Errors)).Concat(failed).OrderBy(item => item.Index))
            {
                json.WriteStartObject();
                json.WriteNumber("index", index);
                if (errors is null)
                {
                    json.WriteBoolean("retryable", true);
                }
                else
                {
                    json.WritePropertyName("errors");
                    Problem.WriteErrors(json, errors.Messages);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        }
    }
}
