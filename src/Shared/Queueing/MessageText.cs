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
