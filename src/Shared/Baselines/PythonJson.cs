using System.Diagnostics.CodeAnalysis;

namespace FinanceIngest.Baselines;

/// <summary>
/// Python's json module writes <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c>, which are not JSON. This class replaces them by strings of the same length, so
/// that a strict reader accepts them and every line and offset stays the same.
/// </summary>
public static class PythonJson
{
    // A token becomes a string of DEL characters alone, whose number tells which token it was.
    private const byte Filler = 0x7f;

    private static readonly (string Name, byte[] Bytes)[] s_tokens =
        [("NaN", "NaN"u8.ToArray()), ("Infinity", "Infinity"u8.ToArray()), ("-Infinity", "-Infinity"u8.ToArray())];

    /// <summary>Replaces the tokens outside of strings, in place and in one pass.</summary>
    public static void MaskNonFinite(Span<byte> json)
    {
        bool inString = false;
        for (int i = 0; i < json.Length; i++)
        {
            byte b = json[i];
            if (inString)
            {
                i += b == '\\' ? 1 : 0;
                inString = b != '"';
            }
            else if (b == '"')
            {
                inString = true;
            }
            else if (b is (byte)'N' or (byte)'I' or (byte)'-')
            {
                i += Mask(json[i..]);
            }
        }
    }

    /// <summary>Whether a string's raw text stands for one of the tokens, and which.</summary>
    public static bool TryGetNonFinite(ReadOnlySpan<byte> value, [NotNullWhen(true)] out string? name)
    {
        int length = value.ContainsAnyExcept(Filler) ? 0 : value.Length + 2;
        name = Array.Find(s_tokens, token => token.Bytes.Length == length).Name;
        return name is not null;
    }

    private static int Mask(Span<byte> rest)
    {
        foreach ((_, byte[] token) in s_tokens)
        {
            if (rest.StartsWith(token))
            {
                rest[..token.Length].Fill(Filler);
                rest[0] = rest[token.Length - 1] = (byte)'"';
                return token.Length - 1;
            }
        }

        return 0;
    }
}
