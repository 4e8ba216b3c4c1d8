using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using Lib.Net.Http.WebPush;
using Lib.Net.Http.WebPush.Authentication;

namespace FinanceIngest.Notifications.Channels;

/// <summary>Web push (RFC 8030, 8291 and 8292) to the browsers of users, whose addresses are asked through the guard.</summary>
internal sealed class WebPushChannel : INotificationChannel
{
    // A record of web push holds 4,096 bytes with its encryption; every push service takes so many.
    private const int LongestPayload = 3000;
    private const int LongestText = 1000;

    private readonly MessageTexts _texts;
    private readonly ChannelHttp _http;
    private readonly PushServiceClient _client;
    private readonly VapidAuthentication _vapid;

    public WebPushChannel(ChannelSettings settings, ChannelHttp http)
    {
        _texts = new MessageTexts(settings);
        _http = http;
        _vapid = new VapidAuthentication(settings.PublicKey, settings.PrivateKey) { Subject = settings.Contact };

        // Repeating is this system's business, under its own deadlines.
        _client = new PushServiceClient(http.Guarded) { AutoRetryAfter = false };
    }

    /// <inheritdoc/>
    public int Concurrency => 8;

    /// <inheritdoc/>
    public async Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken)
    {
        if (notification.Destination?.Push is not { } target)
        {
            return new SendOutcome(SendResult.Refused, "There is no browser to push to.");
        }

        if (!AddressGuard.IsAllowed(target.Endpoint))
        {
            return new SendOutcome(SendResult.Refused, new ForbiddenAddressException().Message);
        }

        var subscription = new PushSubscription { Endpoint = target.Endpoint };
        subscription.SetKey(PushEncryptionKeyName.P256DH, target.P256dh);
        subscription.SetKey(PushEncryptionKeyName.Auth, target.Auth);
        var message = new PushMessage(Payload(notification))
        {
            // The push service replaces a message that it still holds by one of the same topic: a repetition is shown once.
            Topic = Base64Url.Encode(notification.Id.ToByteArray(bigEndian: true)),
            TimeToLive = 24 * 60 * 60,
            Urgency = PushMessageUrgency.High,
        };
        using AttemptLimit limit = _http.Limit(cancellationToken);
        try
        {
            await _client.RequestPushMessageDeliveryAsync(subscription, message, _vapid, limit.Token);
            return SendOutcome.Delivered;
        }
        catch (PushServiceClientException e)
        {
            string problem = $"The push service answered {(int)e.StatusCode}.";
            return e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone
                ? new SendOutcome(SendResult.Gone, problem)
                : new SendOutcome(SendResult.Failed, problem, _http.Wanted(e.Headers?.RetryAfter));
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && ChannelHttp.IsFailure(e))
        {
            // Each browser has a service of its user's choice: a broken one says nothing of the others.
            return new SendOutcome(SendResult.Failed, ChannelHttp.Describe(e));
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _vapid.Dispose();
        return ValueTask.CompletedTask;
    }

    private string Payload(Notification notification)
    {
        string text = SafeText.Cut(_texts.Text(notification), LongestText);
        string payload = Write(notification, text);
        return Encoding.UTF8.GetByteCount(payload) <= LongestPayload ? payload : Write(notification, SafeText.Cut(text, LongestText / 4));
    }

    private string Write(Notification notification, string text)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("id", notification.Id);
            json.WriteString("title", _texts.Subject(notification));
            json.WriteString("body", text);
            json.WriteNumber("count", notification.Alerts.Count);
            if (notification is { IsDigest: false, Alerts: [{ Link: { Length: < 500 } link }] })
            {
                json.WriteString("link", link);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
