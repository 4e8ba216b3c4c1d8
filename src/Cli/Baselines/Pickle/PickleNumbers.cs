using System.Buffers.Binary;
using System.Globalization;
using FinanceIngest.Baselines;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>Reads integers of at most 64 bits, and floats, as pickles write them. The methods return null for anything else.</summary>
internal static class PickleNumbers
{
    /// <summary>Reads decimal digits, as protocol 0 has them, with or without the L of Python 2.</summary>
    public static object? ParseInteger(string text)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign;
        string digits = text.EndsWith('L') ? text[..^1] : text;
        return long.TryParse(digits, Style, CultureInfo.InvariantCulture, out long value) ? value
            : ulong.TryParse(digits, Style, CultureInfo.InvariantCulture, out ulong large) ? large
            : null;
    }

    /// <summary>Whether a text is an integer of any size, as protocol 0 has them.</summary>
    public static bool IsInteger(string text)
    {
        ReadOnlySpan<char> digits = text.EndsWith('L') ? text.AsSpan(0, text.Length - 1) : text;
        digits = digits is ['-' or '+', ..] ? digits[1..] : digits;
        return !digits.IsEmpty && !digits.ContainsAnyExceptInRange('0', '9');
    }

    /// <summary>Reads a float as Python's repr writes it.</summary>
    public static object? ParseFloat(string text) =>
        NumberText.ParseNumber(text, out double value) != NumberProblem.None ? null
        : text.StartsWith('-') && double.IsInfinity(value) ? double.NegativeInfinity
        : value;

    /// <summary>Reads an integer in two's complement, least significant byte first, of at most 9 bytes.</summary>
    public static object? ReadInteger(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 9)
        {
            return null;
        }

        Int128 value = bytes.IsEmpty ? 0 : ReadSigned(bytes);
        return value >= long.MinValue && value <= long.MaxValue ? (long)value
            : value > 0 && value <= ulong.MaxValue ? (ulong)value
            : null;
    }

    /// <summary>Returns a long when the value fits into one, and a ulong otherwise.</summary>
    public static object Narrow(ulong value) => value <= long.MaxValue ? (long)value : value;

    private static Int128 ReadSigned(ReadOnlySpan<byte> bytes)
    {
        Span<byte> wide = stackalloc byte[16];
        wide.Fill((bytes[^1] & 0x80) != 0 ? (byte)0xff : (byte)0);
        bytes.CopyTo(wide);
        return BinaryPrimitives.ReadInt128LittleEndian(wide);
    }
}
