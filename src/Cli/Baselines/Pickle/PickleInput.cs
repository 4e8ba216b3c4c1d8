using System.Buffers.Binary;
using System.Text;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>The bytes of a pickle and the reading position. Memory is reserved only for bytes that are known to follow.</summary>
internal sealed class PickleInput(byte[] bytes, string file)
{
    /// <summary>The longest string or bytes object that is read, in bytes.</summary>
    public const int LongestText = 65_536;

    private int _position;
    private int _instruction;

    /// <summary>The length of the whole pickle in bytes.</summary>
    public int Length => bytes.Length;

    /// <summary>Reads the next instruction. Failures name its position until the next call.</summary>
    public PickleOpcode ReadOpcode()
    {
        _instruction = _position;
        return (PickleOpcode)ReadByte();
    }

    public byte ReadByte() => Take(1)[0];

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public double ReadBigEndianDouble() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>Whether the whole pickle was read.</summary>
    public bool IsAtEnd => _position == bytes.Length;

    /// <summary>Reads a string, bytes object or integer of a length that the pickle gives. Returns false, and leaves it out, when it is too long.</summary>
    public bool TryReadText(ulong length, out ReadOnlySpan<byte> text)
    {
        text = length <= (ulong)(bytes.Length - _position) ? Take((int)length) : throw EndsEarly();
        return length <= LongestText;
    }

    /// <summary>Reads an argument up to the end of the line, as Latin-1.</summary>
    public string ReadLine()
    {
        ReadOnlySpan<byte> rest = bytes.AsSpan(_position);
        int length = rest[..Math.Min(rest.Length, LongestText + 1)].IndexOf((byte)'\n');
        if (length < 0)
        {
            throw rest.Length > LongestText ? Fail($"has a line longer than {Counted.Number(LongestText)} bytes") : EndsEarly();
        }

        _position += length + 1;
        return Encoding.Latin1.GetString(rest[..length]);
    }

    /// <summary>Checks that at least <paramref name="length"/> bytes follow.</summary>
    public void Expect(ulong length)
    {
        if (length > (ulong)(bytes.Length - _position))
        {
            throw EndsEarly();
        }
    }

    /// <summary>Makes the exception for a failure of the current instruction.</summary>
    public BaselineFileException Fail(string reason) => new(file, $"byte {_instruction}", reason);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - _position)
        {
            throw EndsEarly();
        }

        _position += count;
        return bytes.AsSpan(_position - count, count);
    }

    private BaselineFileException EndsEarly() => Fail("the pickle ends in the middle; the file is cut short");
}
