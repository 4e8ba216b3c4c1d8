using System.Buffers.Binary;
using System.Text;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>The bytes of a pickle and how far they have been read. Nothing is copied or reserved before it is known to be there.</summary>
internal sealed class PickleInput(byte[] bytes, string file)
{
    /// <summary>Longest string or bytes object, in bytes.</summary>
    public const int LongestText = 65_536;

    private int _position;
    private int _instruction;

    /// <summary>Bytes of the whole pickle.</summary>
    public int Length => bytes.Length;

    /// <summary>The next instruction, which is from then on the place of every failure.</summary>
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

    /// <summary>A string or bytes object of a length that the pickle gives.</summary>
    public ReadOnlySpan<byte> ReadText(ulong length) =>
        length <= LongestText ? Take((int)length)
        : length > (ulong)(bytes.Length - _position) ? throw EndsEarly()
        : throw Fail($"holds a text of {Counted.Number(length)} bytes; the longest that is read has {Counted.Number(LongestText)}");

    /// <summary>An argument that ends with the line, as Latin-1.</summary>
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

    /// <summary>Checks that as many bytes follow.</summary>
    public void Expect(ulong length)
    {
        if (length > (ulong)(bytes.Length - _position))
        {
            throw EndsEarly();
        }
    }

    /// <summary>A failure at the instruction that is being carried out.</summary>
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
