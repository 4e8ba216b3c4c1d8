using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.Notifications.Channels;

/// <summary>
/// Signs webhooks as https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md says: HMAC-SHA256 over id, time and body.
/// </summary>
internal static class WebhookSignature
{
    /// <summary>Returns the header <c>webhook-signature</c>: one signature for each secret, so that a receiver may know the newer or the older one.</summary>
    /// <param name="secrets">The secrets' bytes.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>: seconds since 1970.</param>
    /// <param name="body">The body's bytes.</param>
    public static string Sign(IEnumerable<byte[]> secrets, string id, long timestamp, byte[] body)
    {
        byte[] head = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}."));
        byte[] signed = [.. head, .. body];
        return string.Join(' ', secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, signed))}"));
    }
}
