using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace FinanceIngest.Queueing;

/// <summary>The text form of this system's messages: base64 of UTF-8 JSON, which Azure's connectors expect.</summary>
public static class MessageText
{
    /// <summary>Largest message text in bytes (Azure Queue Storage's 64 KiB).</summary>
    public const int MaximumLength = 64 * 1024;

    /// <summary>Largest JSON in bytes whose base64 still fits.</summary>
    public const int MaximumJsonLength = MaximumLength / 4 * 3;

    /// <summary>The length of the text, in bytes, for JSON of a given length in bytes.</summary>
    public static int LengthOf(int jsonLength) => (jsonLength + 2) / 3 * 4;

    /// <summary>Encodes JSON as a queue's text.</summary>
    public static string Encode(ReadOnlySpan<byte> json) => Convert.ToBase64String(json);

    /// <summary>Encodes JSON as a queue's text.</summary>
    public static string Encode(string json) => Encode(Encoding.UTF8.GetBytes(json));

    /// <summary>Decodes a text that is exactly what <see cref="Encode(ReadOnlySpan{byte})"/> writes, so that encoding gives the text back.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="decoded">The encoded bytes; empty where the text is something else.</param>
    public static bool TryDecodeExactly(ReadOnlySpan<byte> text, out byte[] decoded)
    {
        decoded = [];
        if (text.IsEmpty || text.Length % 4 != 0)
        {
            return false;
        }

        int padding = text.EndsWith("=="u8) ? 2 : text.EndsWith("="u8) ? 1 : 0;
        byte[] bytes = new byte[(text.Length / 4 * 3) - padding];
        // White space in the text would make the result shorter, and bits that padding leaves over may be set: such texts are refused.
        Span<byte> last = stackalloc byte[4];
        if (Base64.DecodeFromUtf8(text, bytes, out _, out int length) != OperationStatus.Done || length != bytes.Length
            || Base64.EncodeToUtf8(bytes.AsSpan(^(3 - padding)..), last, out _, out _) != OperationStatus.Done || !last.SequenceEqual(text[^4..]))
        {
            return false;
        }

        decoded = bytes;
        return true;
    }

    /// <summary>Finds the JSON in a message: base64 is decoded, and a text that starts like JSON is taken as it is.</summary>
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
