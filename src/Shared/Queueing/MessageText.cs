using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace FinanceIngest.Queueing;

/// <summary>The text form of our messages: base64 of UTF-8 JSON, which is what Azure's connectors expect.</summary>
public static class MessageText
{
    /// <summary>Largest message text in bytes (Azure Queue Storage's 64 KiB).</summary>
    public const int MaximumLength = 64 * 1024;

    /// <summary>Largest JSON in bytes whose base64 still fits.</summary>
    public const int MaximumJsonLength = MaximumLength / 4 * 3;

    /// <summary>Bytes of the text of so many bytes of JSON.</summary>
    public static int LengthOf(int jsonLength) => (jsonLength + 2) / 3 * 4;

    /// <summary>Encodes JSON for the queue.</summary>
    public static string Encode(ReadOnlySpan<byte> json) => Convert.ToBase64String(json);

    /// <summary>Encodes JSON for the queue.</summary>
    public static string Encode(string json) => Encode(Encoding.UTF8.GetBytes(json));

    /// <summary>Decodes base64 that reads exactly as <see cref="Encode(ReadOnlySpan{byte})"/> would write it, so that encoding gives it back.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="decoded">What was encoded; empty where the text is something else.</param>
    public static bool TryDecodeExactly(ReadOnlySpan<byte> text, out byte[] decoded)
    {
        decoded = [];
        if (text.IsEmpty || text.Length % 4 != 0)
        {
            return false;
        }

        int padding = text.EndsWith("=="u8) ? 2 : text.EndsWith("="u8) ? 1 : 0;
        byte[] bytes = new byte[(text.Length / 4 * 3) - padding];
        // White space would make it shorter, and bits that padding leaves over may be set.
        Span<byte> last = stackalloc byte[4];
        if (Base64.DecodeFromUtf8(text, bytes, out _, out int length) != OperationStatus.Done || length != bytes.Length
            || Base64.EncodeToUtf8(bytes.AsSpan(^(3 - padding)..), last, out _, out _) != OperationStatus.Done || !last.SequenceEqual(text[^4..]))
        {
            return false;
        }

        decoded = bytes;
        return true;
    }

    /// <summary>The JSON in a message: base64 is decoded, a text that starts like JSON is taken as it is.</summary>
    /// <returns>False when the text is neither.</returns>
    public static bool TryDecode(string text, out byte[] json)
    {
        string trimmed = text.Trim('\uFEFF', ' ', '\t', '\r', '\n');
        if (trimmed.StartsWith('{') || trimmed.StartsWith('['))
        {
            json = Encoding.UTF8.GetBytes(trimmed);
            return true;
        }

        json = new byte[(trimmed.Length * 3 / 4) + 3];
        bool decoded = Convert.TryFromBase64String(trimmed, json, out int length);
        json = decoded ? json[..length] : [];
        return decoded && length > 0;
    }
}
