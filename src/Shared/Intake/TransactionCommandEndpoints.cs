using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Http;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary>Commands about one transaction: <c>PUT</c> and <c>DELETE /api/transactions/{id}/feedback</c>, <c>DELETE /api/transactions/{id}</c>.</summary>
internal sealed class TransactionCommandEndpoints(
    CommandSender sender, IdCertifier ids, IResultsStore results, FailureLimiter failures, Settings settings) : IEndpoints
{
    private const int MaximumBody = 64 * 1024;

    private readonly string _results = $"{settings.PublicUrl}/api/transactions/";

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("PUT", "/api/transactions/{id}/feedback", Scopes.Manage, PutFeedbackAsync) { Query = ["wait"] },
        new("DELETE", "/api/transactions/{id}/feedback", Scopes.Manage, RemoveFeedbackAsync) { Query = ["wait"] },
        new("DELETE", "/api/transactions/{id}", Scopes.Manage, WithdrawAsync) { Query = ["wait"] },
    ];

    private async Task<ApiResponse> PutFeedbackAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        Guid id = IdOf(request, values);
        request.RequireJson();
        CommandFields fields = CommandBody.Read(await request.ReadBodyAsync(MaximumBody, cancellationToken));
        string? verdict = fields.Word("verdict", CommandNames.Verdicts, isRequired: true);
        return fields.Errors.IsEmpty
            ? await GiveFeedbackAsync(request, id, CommandNames.ToVerdict(verdict), cancellationToken)
            : throw Problems.Validation(fields.Errors);
    }

    private Task<ApiResponse> RemoveFeedbackAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken) =>
        GiveFeedbackAsync(request, IdOf(request, values), verdict: null, cancellationToken);

    private async Task<ApiResponse> GiveFeedbackAsync(ApiRequest request, Guid id, FeedbackVerdict? verdict, CancellationToken cancellationToken)
    {
        DateTime acceptedAt = sender.Begin();
        if (!await sender.SendAsync(request, [new FeedbackCommand(sender.NewId(), acceptedAt, id, verdict)], cancellationToken))
        {
            return sender.Accepted(acceptedAt, UrlOf(id));
        }

        // What is known now: a transaction that is not scored yet is pending, and one that was purged meanwhile has no verdict.
        TransactionResult? result = await results.GetAsync([id], cancellationToken) is [var row, ..] ? row : null;
        return result switch
        {
            null => CommandBody.Applied(request, ApiResponse.Json(200, json => ResultJson.WriteStatusOnly(json, id.ToString("D"), Names.Pending))),
            { Status: TransactionStatus.Purged } => throw Problems.Gone("The transaction's row was removed by retention or erasure."),
            _ => CommandBody.Applied(request, ApiResponse.Json(200, json => ResultJson.Write(json, result))),
        };
    }

    private async Task<ApiResponse> WithdrawAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        Guid id = IdOf(request, values);
        DateTime acceptedAt = sender.Begin();
        return await sender.SendAsync(request, [new WithdrawCommand(sender.NewId(), acceptedAt, id)], cancellationToken)
            ? CommandBody.Applied(request, ApiResponse.Nothing)
            : sender.Accepted(acceptedAt, UrlOf(id));
    }

    private Guid IdOf(ApiRequest request, RouteValues values)
    {
        if (values.Uuid("id") is { } id)
        {
            if (ids.IsIssued(id))
            {
                return id;
            }

            failures.CountIds(request.CallerName, 1);
        }

        throw Problems.NotFound("This installation never issued that id.");
    }

    private string UrlOf(Guid id) => $"{_results}{id:D}";
}
