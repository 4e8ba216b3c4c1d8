using System.Buffers.Binary;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>A class of the module <c>numpy.dtypes</c>, such as <c>Float64DType</c>. A call of it makes the type with its code.</summary>
internal sealed record NumpyDtypeClass(string Code)
{
    private static readonly Dictionary<string, NumpyDtypeClass> s_known = new()
    {
        ["BoolDType"] = new("b1"),
        ["Int8DType"] = new("i1"),
        ["Int16DType"] = new("i2"),
        ["Int32DType"] = new("i4"),
        ["Int64DType"] = new("i8"),
        ["UInt8DType"] = new("u1"),
        ["UInt16DType"] = new("u2"),
        ["UInt32DType"] = new("u4"),
        ["UInt64DType"] = new("u8"),
        ["Float16DType"] = new("f2"),
        ["Float32DType"] = new("f4"),
        ["Float64DType"] = new("f8"),
    };

    public static NumpyDtypeClass? Find(string name) => s_known.GetValueOrDefault(name);
}

/// <summary>A number type of numpy: a kind and a size such as <c>f8</c>, and a byte order, which the pickle sets afterwards.</summary>
internal sealed class NumpyDtype
{
    private readonly string _code;

    private NumpyDtype(string code) => _code = code;

    /// <summary>Whether numbers of the type are big-endian; false until the pickle sets it.</summary>
    public bool BigEndian { get; private set; }

    /// <summary>Returns the type of a code such as <c>f8</c> or <c>&gt;i4</c>; null when the type is not a number of at most 64 bits.</summary>
    public static NumpyDtype? Find(string code)
    {
        bool ordered = code.Length > 0 && code[0] is '<' or '>' or '|' or '=';
        string bare = ordered ? code[1..] : code;
        bool known = bare is "b1" or "i1" or "i2" or "i4" or "i8" or "u1" or "u2" or "u4" or "u8" or "f2" or "f4" or "f8";
        return known ? new NumpyDtype(bare) { BigEndian = code[0] == '>' } : null;
    }

    /// <summary>Sets the byte order to <c>&lt;</c>, <c>&gt;</c>, <c>|</c> or <c>=</c>; returns false for anything else.</summary>
    public bool SetByteOrder(string order)
    {
        BigEndian = order == ">";
        return order is "<" or ">" or "|" or "=";
    }

    /// <summary>Returns the number that the bytes encode; null when their count is wrong.</summary>
    public object? Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != _code[1] - '0')
        {
            return null;
        }

        Span<byte> little = stackalloc byte[8];
        bytes.CopyTo(little);
        if (BigEndian)
        {
            little[..bytes.Length].Reverse();
        }

        return _code switch
        {
            "b1" => little[0] != 0,
            "i1" => (long)(sbyte)little[0],
            "i2" => (long)BinaryPrimitives.ReadInt16LittleEndian(little),
            "i4" => (long)BinaryPrimitives.ReadInt32LittleEndian(little),
            "i8" => BinaryPrimitives.ReadInt64LittleEndian(little),
            "f2" => (double)BinaryPrimitives.ReadHalfLittleEndian(little),
            "f4" => (double)BinaryPrimitives.ReadSingleLittleEndian(little),
            "f8" => BinaryPrimitives.ReadDoubleLittleEndian(little),
            _ => PickleNumbers.Narrow(BinaryPrimitives.ReadUInt64LittleEndian(little)),
        };
    }
}
