using System.Diagnostics;

namespace FinanceIngest.Ground;

/// <summary>
/// Reads the header <c>traceparent</c> of W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header), wherever it comes from: a request, an
/// envelope, a row. What is none is dropped here, so that nothing but 55 characters of a known form reaches messages, alerts, rows and logs.
/// </summary>
public static class W3CTrace
{
    // Version, trace id, parent id, flags: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".
    private const int Length = 55;
    private const int TraceId = 3;
    private const int ParentId = 36;
    private const int Flags = 53;

    /// <summary>The context of the current span; null when there is none of W3C's form.</summary>
    public static string? Current => Read(Activity.Current?.Id);

    /// <summary>
    /// Returns the context as version 00; null when the text is none. A later version begins like this one and may go on behind a hyphen: its ids hold, and of
    /// its flags only "sampled" is known.
    /// </summary>
    public static string? Read(string? traceParent)
    {
        if (traceParent is not { Length: >= Length } text
            || !IsHex(text.AsSpan(0, 2)) || text.StartsWith("ff", StringComparison.Ordinal)
            || text[TraceId - 1] != '-' || text[ParentId - 1] != '-' || text[Flags - 1] != '-'
            || !IsId(text.AsSpan(TraceId, 32)) || !IsId(text.AsSpan(ParentId, 16)) || !IsHex(text.AsSpan(Flags, 2)))
        {
            return null;
        }

        if (text.StartsWith("00", StringComparison.Ordinal))
        {
            return text.Length == Length ? text : null;
        }

        // The last hexadecimal digit is odd when the lowest bit, "sampled", is set.
        bool isSampled = (Convert.ToInt32(text.Substring(Flags, 2), 16) & 1) == 1;
        return text.Length == Length || text[Length] == '-' ? $"00{text[2..Flags]}{(isSampled ? "01" : "00")}" : null;
    }

    private static bool IsId(ReadOnlySpan<char> text) => IsHex(text) && text.ContainsAnyExcept('0');

    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (char digit in text)
        {
            if (!char.IsAsciiHexDigitLower(digit))
            {
                return false;
            }
        }

        return true;
    }
}
