using System.Globalization;
using System.Text.Json;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Intake;
using FinanceIngest.Transactions;

namespace FinanceIngest.Notifications.Destinations;

/// <summary>
/// <c>POST</c> and <c>GET /api/users/{user_id}/notification-destinations</c>, <c>DELETE …/{id}</c>: a user's own addresses. Nothing shows one in full again.
/// </summary>
internal sealed class DestinationEndpoints(CommandSender sender, INotificationDestinationStore store, Settings settings) : IEndpoints
{
    private const string Path = "/api/users/{user_id}/notification-destinations";
    private const int MaximumBody = 64 * 1024;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("POST", Path, Scopes.Manage, AddAsync) { Query = ["wait"] },
        new("GET", Path, Scopes.Read, ListAsync),
        new("DELETE", Path + "/{id}", Scopes.Manage, RemoveAsync) { Query = ["wait"] },
    ];

    private async Task<ApiResponse> AddAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        long userId = UserOf(values);
        request.RequireJson();
        JsonElement body = CommandBody.Parse(await request.ReadBodyAsync(MaximumBody, cancellationToken));
        DateTime acceptedAt = sender.Begin();
        NotificationDestination destination = Read(body, sender.NewId(), userId, acceptedAt);
        var command = new DestinationCommand(destination.Id, acceptedAt, userId, DestinationFields.ToJson(destination));
        return await sender.SendAsync(request, [command], cancellationToken)
            ? CommandBody.Applied(request, ApiResponse.Json(200, json => Write(json, destination)))
            : sender.Accepted(acceptedAt, UrlOf(userId), destination.Id);
    }

    private async Task<ApiResponse> ListAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        IReadOnlyList<NotificationDestination> found = await store.ListAsync([UserOf(values)], cancellationToken);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("destinations");
            foreach (NotificationDestination destination in found)
            {
                Write(json, destination);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private async Task<ApiResponse> RemoveAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        long userId = UserOf(values);
        Guid id = values.Uuid("id") ?? throw Problems.NotFound("The address's id is no UUID.");
        DateTime acceptedAt = sender.Begin();
        return await sender.SendAsync(request, [new RemoveDestinationCommand(sender.NewId(), acceptedAt, userId, id)], cancellationToken)
            ? CommandBody.Applied(request, ApiResponse.Nothing)
            : sender.Accepted(acceptedAt, UrlOf(userId));
    }

    private static NotificationDestination Read(JsonElement body, Guid id, long userId, DateTime acceptedAt)
    {
        // What is given twice could be read as either.
        ValidationErrors errors = new CommandFields(body).Errors;
        NotificationDestination? destination = null;
        try
        {
            destination = errors.IsEmpty ? DestinationFields.Read(body, id, userId, acceptedAt, errors) : null;
        }
        catch (InvalidOperationException)
        {
            // JSON's grammar allows names and strings with half a surrogate pair ("\uD800").
            errors.Add(ValidationErrors.Whole, "holds a text that is not Unicode");
        }

        if (destination is not null && DestinationFields.ToJson(destination).Length > DestinationCommand.LongestDestination)
        {
            errors.Add(
                ValidationErrors.Whole,
                string.Create(CultureInfo.InvariantCulture, $"is longer than {DestinationCommand.LongestDestination} characters when it is written as ASCII"));
        }

        return errors.IsEmpty ? destination! : throw Problems.Validation(errors);
    }

    private static void Write(Utf8JsonWriter json, NotificationDestination destination)
    {
        json.WriteStartObject();
        DestinationFields.WriteMasked(json, destination);
        json.WriteEndObject();
    }

    private static long UserOf(RouteValues values) => values.Number("user_id") ?? throw Problems.Validation("user_id", "must be from 1 to 9223372036854775807");

    private string UrlOf(long userId) => FormattableString.Invariant($"{settings.PublicUrl}/api/users/{userId}/notification-destinations");
}
