using System.Text;

namespace FinanceIngest.KestrelHead;

/// <summary>
/// Decodes the header <c>Content-Length</c> for Kestrel. Kestrel's parser takes a sign before the digits, which RFC 9110, section 8.6 does not allow: a proxy
/// that reads such a length otherwise would see another end of the request. What is not digits alone is decoded as a text that is no number, which Kestrel
/// answers with 400.
/// </summary>
internal sealed class StrictLength : Encoding
{
    private const string NotANumber = "x";

    private StrictLength()
    {
    }

    /// <summary>The only instance.</summary>
    public static StrictLength Instance { get; } = new();

    /// <inheritdoc/>
    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    /// <inheritdoc/>
    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    /// <inheritdoc/>
    public override int GetCharCount(byte[] bytes, int index, int count) => Text(bytes.AsSpan(index, count)).Length;

    /// <inheritdoc/>
    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        string text = Text(bytes.AsSpan(byteIndex, byteCount));
        text.CopyTo(chars.AsSpan(charIndex));
        return text.Length;
    }

    /// <inheritdoc/>
    public override int GetMaxByteCount(int charCount) => Latin1.GetMaxByteCount(charCount);

    /// <inheritdoc/>
    public override int GetMaxCharCount(int byteCount) => Math.Max(NotANumber.Length, byteCount);

    // A length of more than 19 digits fits into no number.
    private static string Text(ReadOnlySpan<byte> bytes) =>
        bytes.Length is > 0 and <= 19 && bytes.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0 ? Latin1.GetString(bytes) : NotANumber;
}
