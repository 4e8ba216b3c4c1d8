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

    /// <summary>
    /// Finds the JSON in a message: base64 is decoded (also of the URL's alphabet, without padding, or with white space in it), a text that starts like JSON is
    /// taken as it is, and byte order marks before and inside the base64 are left out.
    /// </summary>
    /// <returns>False when the text is neither.</returns>
    public static bool TryDecode(string text, out byte[] json)
    {
        string trimmed = Trim(text);
        json = trimmed.StartsWith('{') || trimmed.StartsWith('[') ? Encoding.UTF8.GetBytes(trimmed)
            : TryFromBase64(trimmed, out byte[] decoded) ? WithoutMark(decoded)
            : [];
        return json.Length > 0;
    }

    /// <summary>Returns UTF-8 without the byte order mark, and the white space around it, with which some producers begin a text.</summary>
    internal static byte[] WithoutMark(byte[] utf8)
    {
        ReadOnlySpan<byte> rest = utf8;
        while (rest.StartsWith(Encoding.UTF8.Preamble) || (rest.Length > 0 && rest[0] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
        {
            rest = rest.StartsWith(Encoding.UTF8.Preamble) ? rest[Encoding.UTF8.Preamble.Length..] : rest[1..];
        }

        return rest.Length == utf8.Length ? utf8 : rest.ToArray();
    }

    /// <summary>
    /// Says in which encoding a text is that could not be read as UTF-8 JSON, such as UTF-16 or gzip; null when it is none that is known by its first bytes.
    /// </summary>
    internal static string? NameEncoding(string text)
    {
        string trimmed = Trim(text);
        return trimmed.StartsWith("\u00EF\u00BB\u00BF", StringComparison.Ordinal) ? "UTF-8 that was read as Windows-1252, its byte order mark included"
            : trimmed.StartsWith('<') ? "XML"
            : TryFromBase64(trimmed, out byte[] bytes) ? NameEncoding(bytes)
            : null;
    }

    private static string? NameEncoding(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4)
        {
            return null;
        }

        string? byMark = (bytes[0], bytes[1], bytes[2], bytes[3]) switch
        {
            (0xFF, 0xFE, 0, 0) or (not 0, 0, 0, 0) => "UTF-32, little endian",
            (0, 0, 0xFE, 0xFF) or (0, 0, 0, not 0) => "UTF-32, big endian",
            (0xFF, 0xFE, _, _) or (not 0, 0, not 0, 0) => "UTF-16, little endian",
            (0xFE, 0xFF, _, _) or (0, not 0, 0, not 0) => "UTF-16, big endian",
            (0x1F, 0x8B, _, _) => "gzip",
            (0x28, 0xB5, 0x2F, 0xFD) => "zstd",
            (0x50, 0x4B, 3, 4) => "zip",
            (0x78, 1 or 0x5E or 0x9C or 0xDA, _, _) => "zlib",
            ((byte)'<', _, _, _) => "XML",
            ((byte)'"', (byte)'{' or (byte)'[', _, _) => "JSON in a JSON string",
            _ => null,
        };
        return byMark
            ?? (!System.Text.Unicode.Utf8.IsValid(bytes) ? "bytes that are no UTF-8, such as Windows-1252"
            : TryDecode(Encoding.UTF8.GetString(bytes), out byte[] inner) && inner[0] is (byte)'{' or (byte)'[' && bytes[0] is not ((byte)'{' or (byte)'[')
                ? "base64 of base64"
            : null);
    }

    private static string Trim(string text) => text.Trim('\uFEFF', ' ', '\t', '\r', '\n');

    private static bool TryFromBase64(string text, out byte[] decoded)
    {
        decoded = [];
        var characters = new StringBuilder(text.Length + 2);
        foreach (char character in text)
        {
            switch (character)
            {
                case ' ' or '\t' or '\r' or '\n':
                    break;
                case '-':
                    characters.Append('+');
                    break;
                case '_':
                    characters.Append('/');
                    break;
                default:
                    characters.Append(character);
                    break;
            }
        }

        while (characters.Length % 4 > 1)
        {
            characters.Append('=');
        }

        byte[] buffer = new byte[characters.Length / 4 * 3];
        bool isBase64 = Convert.TryFromBase64String(characters.ToString(), buffer, out int length) && length > 0;
        decoded = isBase64 ? buffer[..length] : [];
        return isBase64;
    }
}
