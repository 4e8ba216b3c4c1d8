using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Functions on texts that several targets use.</summary>
internal static class Texts
{
    /// <summary>Returns the text without a byte order mark.</summary>
    public static byte[] WithoutBom(byte[] text) => text is [0xEF, 0xBB, 0xBF, .. var rest] ? rest : text;

    /// <summary>Returns the beginning of a message without the parts that quote the input, as an outcome.</summary>
    public static string Shape(string message)
    {
        string letters = string.Concat(
            message.Split('"', '\'', '“', '”').Where((_, index) => index % 2 == 0).SelectMany(part => part).Where(c => char.IsAsciiLetter(c) || c == ' '));
        return letters.Length > 24 ? letters[..24] : letters;
    }

    /// <summary>Returns the document; null when the text is not strict JSON in UTF-8, or is nested deeper than <paramref name="depth"/>.</summary>
    public static JsonElement? Json(byte[] text, int depth = 64)
    {
        try
        {
            return Utf8.IsValid(text) ? JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = depth }).RootElement : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Writes each element of a JSON array on a line of its own. Line breaks inside an element are white space between tokens, and are replaced.
    /// </summary>
    public static byte[] ToLines(JsonElement array) =>
        Encoding.UTF8.GetBytes(string.Join('\n', array.EnumerateArray().Select(item => item.GetRawText().Replace('\n', ' ').Replace('\r', ' '))));
}
