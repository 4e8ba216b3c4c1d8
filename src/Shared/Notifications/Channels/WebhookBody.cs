using System.Buffers;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Notifications.Channels;

/// <summary>The body of a webhook: <c>{"type", "timestamp", "data"}</c>. It is the same for each attempt.</summary>
internal static class WebhookBody
{
    /// <summary>Returns the JSON. An alert's data are the fields of its message on the alert queue, without its trace.</summary>
    public static byte[] Of(Notification notification)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", notification.IsDigest ? "anomaly.digest" : "anomaly.detected");
            DateTime at = notification.Alerts.Max(alert => alert.ScoredAt ?? alert.OccurredAt ?? DateTime.UnixEpoch);
            json.WriteString("timestamp", Timestamp.ToText(at));
            json.WritePropertyName("data");
            if (notification.IsDigest)
            {
                json.WriteStartObject();
                json.WriteString("digest_id", notification.Id);
                json.WriteNumber("count", notification.Alerts.Count);
                json.WriteStartArray("alerts");
                foreach (NotifiedAlert alert in notification.Alerts)
                {
                    Write(json, alert);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }
            else
            {
                Write(json, notification.Alerts[0]);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, NotifiedAlert alert)
    {
        using JsonDocument payload = JsonDocument.Parse(alert.Payload);
        json.WriteStartObject();
        foreach (JsonProperty field in payload.RootElement.EnumerateObject().Where(field => field.Name is not ("alert_id" or "link" or "traceparent")))
        {
            field.WriteTo(json);
        }

        json.WriteString("alert_id", alert.AlertId);
        if (alert.Link is { } link)
        {
            json.WriteString("link", link);
        }

        json.WriteEndObject();
    }
}
