using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.Notifications;

/// <summary>Derives ids, so that whatever is repeated has the id that it had before.</summary>
internal static class MessageIds
{
    /// <summary>The id of a message that tells of alerts: the alert's own when it is one, and one that derives from all of them in a digest.</summary>
    /// <param name="alertIds">At least one id, in any order.</param>
    public static Guid Of(IReadOnlyCollection<Guid> alertIds) =>
        alertIds.Count == 1 ? alertIds.First() : Hash($"digest\n{string.Join('\n', alertIds.Select(id => id.ToString("D")).Order(StringComparer.Ordinal))}");

    /// <summary>The id of an alert that brings none along: a message of another producer's on the queue.</summary>
    public static Guid OfForeignAlert(string queue, string messageId) => Hash($"alert\n{queue}\n{messageId}");

    // A UUID of version 8 (RFC 9562, section 5.8) with 122 bits of SHA-256.
    private static Guid Hash(string text)
    {
        Span<byte> bytes = SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
