using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>What several targets need of texts.</summary>
internal static class Texts
{
    /// <summary>The text without a byte order mark.</summary>
    public static byte[] WithoutBom(byte[] text) => text is [0xEF, 0xBB, 0xBF, .. var rest] ? rest : text;

    /// <summary>A message without what it quotes of the input, and no longer than tells one from another.</summary>
    public static string Shape(string message)
    {
        string letters = string.Concat(message.Split('"', '\'', '“', '”').Where((_, index) => index % 2 == 0).SelectMany(part => part).Where(c => char.IsAsciiLetter(c) || c == ' '));
        return letters.Length > 24 ? letters[..24] : letters;
    }

    /// <summary>The document, or null for what is not strict JSON in UTF-8. Deeper than <paramref name="depth"/> counts as no JSON.</summary>
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

    /// <summary>Each element of a JSON array on a line of its own. A line break inside a value can only be white space between tokens.</summary>
    public static byte[] ToLines(JsonElement array) =>
        Encoding.UTF8.GetBytes(string.Join('\n', array.EnumerateArray().Select(item => item.GetRawText().Replace('\n', ' ').Replace('\r', ' '))));
}
