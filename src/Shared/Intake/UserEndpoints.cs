using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Http;

namespace FinanceIngest.Intake;

/// <summary><c>DELETE /api/users/{user_id}</c>: a person is erased; and how far that is.</summary>
internal sealed class UserEndpoints(CommandSender sender, ICommandProgress progress, Settings settings) : IEndpoints
{
    private readonly string _users = $"{settings.PublicUrl}/api/users/";

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("DELETE", "/api/users/{user_id}", Scopes.Admin, EraseAsync) { Query = ["wait"] },
        new("GET", "/api/users/{user_id}/erasure", Scopes.Admin, GetErasureAsync),
    ];

    private async Task<ApiResponse> EraseAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        long userId = UserOf(values);
        DateTime acceptedAt = sender.Begin();
        return await sender.SendAsync(request, [new EraseUserCommand(sender.NewId(), acceptedAt, userId)], cancellationToken)
            ? CommandBody.Applied(request, ApiResponse.Nothing)
            : sender.Accepted(acceptedAt, FormattableString.Invariant($"{_users}{userId}/erasure"));
    }

    // An erasure that no worker has begun is not known here: the intake wrote it to the queue alone.
    private async Task<ApiResponse> GetErasureAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        Erasure? erasure = await progress.FindErasureAsync(UserOf(values), cancellationToken);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("status", erasure is null ? "unknown" : erasure.CompletedAt is null ? "pending" : "done");
            if (erasure is not null)
            {
                json.WriteTime("accepted_at", erasure.AcceptedAt);
            }

            if (erasure?.CompletedAt is { } completedAt)
            {
                json.WriteTime("completed_at", completedAt);
            }

            json.WriteEndObject();
        });
    }

    private static long UserOf(RouteValues values) => values.Number("user_id") ?? throw Problems.Validation("user_id", "must be from 1 to 9223372036854775807");
}
