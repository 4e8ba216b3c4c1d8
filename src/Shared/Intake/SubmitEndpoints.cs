using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary>
/// <c>POST /api/transactions</c>, and the older system's route to the same endpoint, for clients that were never changed: to a request that says nothing about
/// waiting it gives the result, and it rounds the noise of a float.
/// </summary>
internal sealed class SubmitEndpoints(
    TransactionFactory factory, InboundSender sender, ResultWaiter waiter, BacklogEstimator backlog, Settings settings) : IEndpoints
{
    private const int MaximumBody = 1024 * 1024;

    // The longest body of a 202 in bytes, without the address of the installation.
    private const int AcceptedLength = 192;

    private readonly string _results = $"{settings.PublicUrl}/api/transactions/";

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("POST", "/api/transactions", Scopes.Submit, SubmitAsync) { Query = ["wait"] },
        new("POST", "/api/score-transaction", Scopes.Submit, SubmitByOlderRouteAsync) { Query = ["wait"] },
    ];

    private async Task<ApiResponse> SubmitAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int wait = WaitPreference.Seconds(request);
        (Guid id, TransactionResult? result) = await AcceptAsync(request, wait, roundAmount: false, cancellationToken);
        return result is null ? Accepted(id) : Waited(result, wait);
    }

    private async Task<ApiResponse> SubmitByOlderRouteAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int? asked = WaitPreference.Find(request);
        (Guid id, TransactionResult? result) = await AcceptAsync(request, asked ?? settings.OlderRouteWaitSeconds, roundAmount: true, cancellationToken);
        return result is null ? Accepted(id)
            : asked is { } wait ? Waited(result, wait)

            // An older client looks at the status alone, so that a failure must be one.
            : result.Error is { } error ? ApiResponse.From(Problems.Transaction(error))
            : ApiResponse.Json(200, json => ResultJson.Write(json, result));
    }

    /// <returns>The id of the transaction, which is durable; and its result, where there is one within the seconds that the request waits.</returns>
    private async Task<(Guid Id, TransactionResult? Result)> AcceptAsync(
        ApiRequest request, int waitSeconds, bool roundAmount, CancellationToken cancellationToken)
    {
        string? headerKey = IdempotencyKeyHeader.Read(request);
        request.RequireJson();
        TransactionFields fields = Parse(await request.ReadBodyAsync(MaximumBody, cancellationToken), roundAmount);
        Transaction transaction = factory.Create(fields, headerKey) ?? throw Problems.Validation(fields.Errors!);

        // The body is parsed, so its bytes are given back: the request may wait for its send for seconds, and for its result for minutes.
        request.HoldInstead(ApiRequest.BesideItsBody);

        if (waitSeconds == 0)
        {
            await SendAsync(request, transaction);
            return (transaction.Id, null);
        }

        // The scorer may be done before the request hears that its transaction is durable.
        using ResultWaiter.Expectation expected = waiter.Expect(transaction.Id);
        await SendAsync(request, transaction);
        return (transaction.Id, await expected.WaitAsync(TimeSpan.FromSeconds(waitSeconds), cancellationToken));
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

    private static TransactionFields Parse(ReadOnlyMemory<byte> body, bool roundAmount)
    {
        try
        {
            var reader = new Utf8JsonReader(JsonBody.Text(body).Span);
            reader.Read();
            TransactionFields fields = TransactionFields.Read(ref reader, roundAmount);
            return reader.Read() ? throw Problems.Malformed("has more after the end of the JSON value") : fields;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonBody.Malformed(body, e);
        }
    }

    private static ApiResponse Waited(TransactionResult result, int wait) => ApiResponse.Json(200, json => ResultJson.Write(json, result))
        .With("Preference-Applied", $"wait={wait.ToString(CultureInfo.InvariantCulture)}");

    private ApiResponse Accepted(Guid id)
    {
        string url = $"{_results}{id:D}";
        byte[] body = new byte[AcceptedLength + _results.Length];
        Utf8.TryWrite(body, CultureInfo.InvariantCulture, $"{{\"id\":\"{id:D}\",\"status\":\"{Names.Pending}\",\"status_url\":\"{url}\"}}", out int length);
        return ApiResponse.Json(202, body.AsMemory(0, length)).With("Location", url).WithRetryAfter(backlog.RetryAfterSeconds);
    }
}
