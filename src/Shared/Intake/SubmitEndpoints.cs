using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary><c>POST /api/transactions</c>, and the older system's route to the same endpoint.</summary>
internal sealed class SubmitEndpoints(
    TransactionFactory factory, InboundSender sender, ResultWaiter waiter, BacklogEstimator backlog) : IEndpoints
{
    private const int MaximumBody = 1024 * 1024;

    // The longest body of a 202 in bytes.
    private const int AcceptedLength = 192;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("POST", "/api/transactions", Scopes.Submit, SubmitAsync),
        new("POST", "/api/score-transaction", Scopes.Submit, SubmitAsync),
    ];

    private async Task<ApiResponse> SubmitAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int wait = WaitPreference.Seconds(request);
        string? headerKey = IdempotencyKeyHeader.Read(request);
        request.RequireJson();
        TransactionFields fields = Parse(await request.ReadBodyAsync(MaximumBody, cancellationToken));
        Transaction transaction = factory.Create(fields, headerKey) ?? throw Problems.Validation(fields.Errors!);

        await SendAsync(request, transaction);
        if (wait > 0 && await waiter.WaitAsync(transaction.Id, TimeSpan.FromSeconds(wait), cancellationToken) is { } result)
        {
            return ApiResponse.Json(200, json => ResultJson.Write(json, result))
                .With("Preference-Applied", $"wait={wait.ToString(CultureInfo.InvariantCulture)}");
        }

        return Accepted(transaction.Id);
    }

    private async Task SendAsync(ApiRequest request, Transaction transaction)
    {
        try
        {
            if (await sender.SendAsync([transaction]) is not null)
            {
                throw Problems.Unavailable(
                    "queue", "The inbound queue does not take messages at the moment; the transaction was not accepted.", sender.RetryAfterSeconds);
            }
        }
        catch (IntakeOverloadedException)
        {
            throw request.Overloaded();
        }
    }

    private static TransactionFields Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(JsonBody.Text(body).Span);
            reader.Read();
            TransactionFields fields = TransactionFields.Read(ref reader);
            return reader.Read() ? throw Problems.Malformed("has more after the end of the JSON value") : fields;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonBody.Malformed(body, e);
        }
    }

    private ApiResponse Accepted(Guid id)
    {
        string url = $"/api/transactions/{id:D}";
        byte[] body = new byte[AcceptedLength];
        Utf8.TryWrite(body, CultureInfo.InvariantCulture, $"{{\"id\":\"{id:D}\",\"status\":\"{Names.Pending}\",\"status_url\":\"{url}\"}}", out int length);
        return ApiResponse.Json(202, body.AsMemory(0, length)).With("Location", url).WithRetryAfter(backlog.RetryAfterSeconds);
    }
}
