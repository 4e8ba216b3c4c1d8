using System.Globalization;
using System.Net.Http.Headers;
using FinanceIngest.Configuration;

namespace FinanceIngest.Notifications.Channels;

/// <summary>A signed POST to one address.</summary>
internal sealed class WebhookChannel(ChannelSettings settings, ChannelHttp http, TimeProvider time) : INotificationChannel
{
    /// <inheritdoc/>
    public int Concurrency => 8;

    /// <inheritdoc/>
    public async Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken)
    {
        byte[] body = WebhookBody.Of(notification);
        string id = notification.Id.ToString("D");
        long timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, settings.Url);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", WebhookSignature.Sign(settings.Secrets, id, timestamp, body));
        return await http.SendAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
