using System.Buffers;
using System.Text;
using FinanceIngest.Transactions;

namespace FinanceIngest.Sqlite;

/// <summary>
/// The value of one parameter, made by implicit conversion: no value is boxed or allocated. Ids are bound as blobs of 16 bytes whose order is that of the
/// ids' text, instants as text in the form of <see cref="Timestamp"/>; <see cref="SqliteRow"/> reads both back.
/// </summary>
internal readonly struct SqliteValue
{
    // A UTF-8 text of up to so many bytes is encoded on the stack.
    private const int StackBytes = 256;
    private const int UuidLength = 16;

    private readonly Kind _kind;
    private readonly long _number;
    private readonly Guid _uuid;
    private readonly object? _reference;

    private SqliteValue(Kind kind, long number = 0, Guid uuid = default, object? reference = null)
    {
        _kind = kind;
        _number = number;
        _uuid = uuid;
        _reference = reference;
    }

    private enum Kind : byte
    {
        Null,
        Integer,
        Real,
        Text,
        Blob,
        Uuid,
        Instant,
    }

    /// <summary>An integer.</summary>
    public static implicit operator SqliteValue(long? value) => value is { } number ? new(Kind.Integer, number) : default;

    /// <summary>A double. SQLite stores NaN as NULL.</summary>
    public static implicit operator SqliteValue(double? value) => value is { } number ? new(Kind.Real, BitConverter.DoubleToInt64Bits(number)) : default;

    /// <summary>A text.</summary>
    public static implicit operator SqliteValue(string? value) => value is null ? default : new(Kind.Text, reference: value);

    /// <summary>A blob.</summary>
    public static implicit operator SqliteValue(byte[]? value) => value is null ? default : new(Kind.Blob, reference: value);

    /// <summary>An id, as 16 bytes in the order of its text.</summary>
    public static implicit operator SqliteValue(Guid value) => new(Kind.Uuid, uuid: value);

    /// <summary>An instant in UTC, as text; a fraction of a microsecond is dropped.</summary>
    public static implicit operator SqliteValue(DateTime? value) => value is { } instant ? new(Kind.Instant, instant.Ticks) : default;

    /// <summary>Binds the value; SQLite copies what it needs.</summary>
    /// <returns>SQLite's result code.</returns>
    internal int Bind(IntPtr statement, int parameter)
    {
        switch (_kind)
        {
            case Kind.Integer:
                return SqliteStatementNative.BindInteger(statement, parameter, _number);
            case Kind.Real:
                return SqliteStatementNative.BindReal(statement, parameter, BitConverter.Int64BitsToDouble(_number));
            case Kind.Text:
                return BindText(statement, parameter, (string)_reference!);
            case Kind.Blob:
                return SqliteStatementNative.BindBlob(statement, parameter, (byte[])_reference!);
            case Kind.Uuid:
                Span<byte> uuid = stackalloc byte[UuidLength];
                _uuid.TryWriteBytes(uuid, bigEndian: true, out _);
                return SqliteStatementNative.BindBlob(statement, parameter, uuid);
            case Kind.Instant:
                Span<byte> instant = stackalloc byte[Timestamp.Length];
                Timestamp.Write(new DateTime(_number, DateTimeKind.Utc), instant);
                return SqliteStatementNative.BindText(statement, parameter, instant);
            default:
                return SqliteStatementNative.BindNull(statement, parameter);
        }
    }

    private static int BindText(IntPtr statement, int parameter, string text)
    {
        int maximum = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (maximum <= StackBytes)
        {
            Span<byte> utf8 = stackalloc byte[StackBytes];
            return SqliteStatementNative.BindText(statement, parameter, utf8[..Encoding.UTF8.GetBytes(text, utf8)]);
        }

        byte[] rented = ArrayPool<byte>.Shared.Rent(maximum);
        try
        {
            return SqliteStatementNative.BindText(statement, parameter, rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
