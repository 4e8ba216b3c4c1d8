using System.Globalization;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.Notifications.Destinations;

namespace FinanceIngest.Notifications;

/// <summary>
/// <c>GET /api/notifications</c> and <c>POST /api/notifications/{id}/again</c>: what <c>finance-ingest notify list</c> and <c>again</c> do, over HTTP.
/// </summary>
internal sealed class NotificationEndpoints(DeliveryOperations operations, INotificationDestinationStore destinations, Settings settings) : IEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 500;
    private const int LongestChannel = 200;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/api/notifications", Scopes.Admin, ListAsync) { Query = ["user_id", "channel", "state", "after", "limit"] },
        new("POST", "/api/notifications/{id}/again", Scopes.Admin, SendAgainAsync),
    ];

    private async Task<ApiResponse> ListAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int limit = request.QueryInteger("limit", DefaultLimit, 1, MaximumLimit);
        long? userId = request.QueryId("user_id");
        string? channel = request.Query("channel") is not { } name ? null
            : name.Length <= LongestChannel ? name
            : throw Problems.Validation("channel", string.Create(CultureInfo.InvariantCulture, $"must have at most {LongestChannel} characters"));
        string? state = request.Query("state") is not { } text ? null
            : DeliveryOperations.States.Contains(text) ? text
            : throw Problems.Validation("state", $"must be one of {string.Join(", ", DeliveryOperations.States)}");

        // The cursor is the number of the last delivery that was listed: later ones have higher numbers, so none is listed twice or left out.
        long? after = request.QueryId("after");
        return await WithRightsAsync(async () =>
        {
            IReadOnlyList<DeliveryView> found = await operations.ListAsync(userId, channel, state, after, limit + 1, cancellationToken);
            DeliveryView[] page = [.. found.Take(limit)];
            long[] users = [.. page.Where(delivery => delivery.DestinationId is not null).Select(delivery => delivery.UserId).Distinct()];
            IReadOnlyList<NotificationDestination> addresses = users.Length == 0 ? [] : await destinations.ListAsync(users, cancellationToken);
            Dictionary<Guid, string> masked = addresses.ToDictionary(address => address.Id, DestinationFields.Mask);
            return ApiResponse.Json(200, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("notifications");
                foreach (DeliveryView delivery in page)
                {
                    Write(json, delivery, masked);
                }

                json.WriteEndArray();
                json.WriteString("next", found.Count > limit ? page[^1].Id.ToString(CultureInfo.InvariantCulture) : null);
                json.WriteEndObject();
            });
        });
    }

    private async Task<ApiResponse> SendAgainAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        long id = values.Number("id") ?? throw Problems.NotFound("There is no notification of that number.");
        int messages = await WithRightsAsync(() => operations.SendAgainAsync([id], cancellationToken));
        return messages > 0
            ? ApiResponse.Json(200, json =>
            {
                json.WriteStartObject();
                json.WriteNumber("messages", messages);
                json.WriteEndObject();
            })
            : throw Problems.NotFound("There is no such notification, or no message of it yet: it is held, or was left out.");
    }

    private void Write(Utf8JsonWriter json, DeliveryView delivery, Dictionary<Guid, string> masked)
    {
        ChannelSettings? channel = settings.Notify.Channels.FirstOrDefault(channel => channel.Name == delivery.Channel);
        json.WriteStartObject();
        json.WriteNumber("id", delivery.Id);
        json.WriteString("alert_id", delivery.AlertId);
        WriteOptional("message_id", delivery.MessageId?.ToString("D"));
        json.WriteString("channel", delivery.Channel);
        WriteOptional("type", channel?.Type.ToString().ToLowerInvariant());
        WriteOptional("destination_id", delivery.DestinationId?.ToString("D"));

        // An address of a user that was removed since is not known any more; the fixed ones of a channel are known where the channel is configured.
        WriteOptional("address", delivery.DestinationId is { } destination ? masked.GetValueOrDefault(destination) : channel is null ? null : FixedOf(channel));
        json.WriteNumber("user_id", delivery.UserId);
        json.WriteString("state", delivery.State);
        WriteOptional("hold", delivery.Hold);
        json.WriteNumber("attempts", delivery.Attempts);
        WriteTime("due_at", delivery.DueAt);
        json.WriteTime("created_at", delivery.CreatedAt);
        WriteTime("finished_at", delivery.FinishedAt);
        WriteOptional("problem", delivery.Error);
        json.WriteEndObject();

        void WriteOptional(string name, string? value)
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }

        void WriteTime(string name, DateTime? time)
        {
            if (time is { } known)
            {
                json.WriteTime(name, known);
            }
        }
    }

    // Paths, queries and accounts of addresses are secrets of many services; their host is none.
    private static string? FixedOf(ChannelSettings channel) =>
        channel.To.Count > 0 ? string.Join(", ", channel.To.Select(DestinationFields.MaskMail))
        : Uri.TryCreate(channel.Url, UriKind.Absolute, out Uri? url) ? $"{url.Scheme}://{url.Host}{(url.IsDefaultPort ? "" : $":{url.Port}")}"
        : null;

    private static async Task<T> WithRightsAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is StoreUnavailableException or QueueUnavailableException && RefusedRights.IsOne(e))
        {
            throw Problems.Rights("This process may not read or change deliveries: give its user the role finance_ingest_operator, "
                    + "or use finance-ingest notify list and again.");
        }
    }
}
