using System.Text;

namespace FinanceIngest.Ground;

/// <summary>Base64 in the alphabet of addresses, without padding (RFC 4648, section 5), as the keys of web push have it.</summary>
internal static class Base64Url
{
    /// <summary>Encodes bytes.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    /// <summary>Decodes a text; padding may stand at its end.</summary>
    /// <returns>False when the text is something else.</returns>
    public static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = [];
        byte[] utf8 = Encoding.UTF8.GetBytes(text.TrimEnd('='));
        if (!System.Buffers.Text.Base64Url.IsValid(utf8))
        {
            return false;
        }

        bytes = System.Buffers.Text.Base64Url.DecodeFromUtf8(utf8);
        return true;
    }
}
