using System.Buffers.Binary;
using System.Text;

namespace FinanceIngest.Cli.Files;

/// <summary>
/// Gives UTF-16 as UTF-8. Half a surrogate pair becomes three bytes that are not UTF-8, and a last odd byte becomes 0xFF, so that only the field in which it
/// stands is refused.
/// </summary>
/// <param name="source">The UTF-16 without a byte order mark; stays open.</param>
/// <param name="isBigEndian">Whether the more significant byte of a unit comes first.</param>
internal sealed class Utf16Stream(Stream source, bool isBigEndian) : PrefixedStream([], source)
{
    private const int PieceSize = 1 << 14;

    private readonly byte[] _units = new byte[PieceSize];
    private readonly byte[] _text = new byte[2 * PieceSize];
    private int _kept;
    private int _textAt;
    private int _textEnd;

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        while (_textAt == _textEnd)
        {
            int read = base.Read(_units, _kept, PieceSize - _kept);
            Convert(_kept + read, isLast: read == 0);
            if (read == 0 && _textEnd == 0)
            {
                return 0;
            }
        }

        int length = Math.Min(count, _textEnd - _textAt);
        _text.AsSpan(_textAt, length).CopyTo(buffer.AsSpan(offset));
        _textAt += length;
        return length;
    }

    private void Convert(int length, bool isLast)
    {
        int at = 0;
        _textAt = _textEnd = 0;
        while (length - at >= 2)
        {
            char unit = UnitAt(at);
            bool isPair = char.IsHighSurrogate(unit);
            if (isPair && length - at < 4 && !isLast)
            {
                break;
            }

            isPair = isPair && length - at >= 4 && char.IsLowSurrogate(UnitAt(at + 2));
            _textEnd += isPair
                ? new Rune(unit, UnitAt(at + 2)).EncodeToUtf8(_text.AsSpan(_textEnd))
                : Encode(unit, _text.AsSpan(_textEnd));
            at += isPair ? 4 : 2;
        }

        _kept = length - at;
        _units.AsSpan(at, _kept).CopyTo(_units);
        if (isLast && _kept > 0)
        {
            _text[_textEnd++] = 0xff;
            _kept = 0;
        }
    }

    private char UnitAt(int at) => (char)(isBigEndian
        ? BinaryPrimitives.ReadUInt16BigEndian(_units.AsSpan(at))
        : BinaryPrimitives.ReadUInt16LittleEndian(_units.AsSpan(at)));

    private static int Encode(char unit, Span<byte> output)
    {
        if (Rune.TryCreate(unit, out Rune rune))
        {
            return rune.EncodeToUtf8(output);
        }

        output[0] = (byte)(0xe0 | (unit >> 12));
        output[1] = (byte)(0x80 | ((unit >> 6) & 0x3f));
        output[2] = (byte)(0x80 | (unit & 0x3f));
        return 3;
    }
}
