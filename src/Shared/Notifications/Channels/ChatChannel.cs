using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FinanceIngest.Configuration;

namespace FinanceIngest.Notifications.Channels;

/// <summary>A POST to an incoming webhook of Slack, or to a workflow of Microsoft Teams.</summary>
internal sealed class ChatChannel(ChannelSettings settings, ChannelHttp http) : INotificationChannel
{
    private readonly MessageTexts _texts = new(settings);

    /// <summary>One after the other: both services allow about one message a second.</summary>
    public int Concurrency => 1;

    /// <inheritdoc/>
    public async Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, settings.Url);
        request.Content = JsonContent.Create(settings.Type == ChannelType.Slack ? SlackMessage(notification) : TeamsMessage(notification));

        // Neither service understands ids; the header tells a relay between them and this system which message it is.
        request.Headers.Add("Idempotency-Key", notification.Id.ToString("D"));
        return await http.SendAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    private JsonObject SlackMessage(Notification notification) => new()
    {
        ["text"] = $"*{_texts.Subject(notification)}*\n{_texts.Text(notification)}",
        ["unfurl_links"] = false,
    };

    // https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook
    private JsonObject TeamsMessage(Notification notification) => new()
    {
        ["type"] = "message",
        ["attachments"] = new JsonArray(new JsonObject
        {
            ["contentType"] = "application/vnd.microsoft.card.adaptive",
            ["content"] = new JsonObject
            {
                ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
                ["type"] = "AdaptiveCard",
                ["version"] = "1.4",
                ["body"] = new JsonArray(
                    new JsonObject { ["type"] = "TextBlock", ["text"] = _texts.Subject(notification), ["weight"] = "Bolder", ["wrap"] = true },
                    new JsonObject { ["type"] = "TextBlock", ["text"] = _texts.Text(notification), ["wrap"] = true }),
                ["actions"] = notification is { IsDigest: false, Alerts: [{ Link: { } link }] }
                    ? new JsonArray(new JsonObject { ["type"] = "Action.OpenUrl", ["title"] = "Review", ["url"] = link })
                    : new JsonArray(),
            },
        }),
    };
}
