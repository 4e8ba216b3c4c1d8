using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FinanceIngest.Detection;

/// <summary>
/// An amount outside the usual that a user has paid before, such as a standing order. A place for it is taken anew, under a higher generation, when a more
/// recent amount needs it. Contributions to an earlier generation are no part of it, so that it is the sum of those to its own, in whatever order they come.
/// </summary>
internal struct RememberedAmount
{
    /// <summary>Bytes of an encoded amount.</summary>
    public const int Size = 12;

    /// <summary>Most rows that a remembered amount takes; further ones leave it as it is.</summary>
    public const int MostRows = 200;

    /// <summary>Natural logarithm of the amount that took the place.</summary>
    public float Log;

    /// <summary>How often the place has been taken; 0: never.</summary>
    public ushort Generation;

    /// <summary>Rows with this amount, at most <see cref="MostRows"/>.</summary>
    public byte Count;

    /// <summary>The day on which the place was taken, in days since 1970-01-01; a later one than 2149-06-06 is taken as that.</summary>
    public ushort FirstDay;

    /// <summary>Sum over the rows of their days after <see cref="FirstDay"/>, each at most <see cref="Days.Most"/> either way.</summary>
    public int DaySum;

    /// <summary>Mean day of the rows, in days since 1970-01-01.</summary>
    public readonly double MeanDay => FirstDay + (Count > 0 ? DaySum / (double)Count : 0);

    /// <summary>Writes the amount, little-endian.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public readonly void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteSingleLittleEndian(destination, Log);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[4..], Generation);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], FirstDay);

        // 200 rows of 40,000 days fit into 24 bits with their sign.
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], (DaySum << 8) | Count);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static RememberedAmount Read(ReadOnlySpan<byte> source)
    {
        int days = BinaryPrimitives.ReadInt32LittleEndian(source[8..]);
        return new RememberedAmount
        {
            Log = BinaryPrimitives.ReadSingleLittleEndian(source),
            Generation = BinaryPrimitives.ReadUInt16LittleEndian(source[4..]),
            FirstDay = BinaryPrimitives.ReadUInt16LittleEndian(source[6..]),
            DaySum = days >> 8,
            Count = (byte)days,
        };
    }
}

/// <summary>The remembered amounts of one user and category.</summary>
[InlineArray(Length)]
internal struct RememberedAmounts
{
    /// <summary>How many amounts are remembered.</summary>
    public const int Length = 7;

#pragma warning disable IDE0044, IDE0051, CA1823 // An inline array is declared by its first element.
    private RememberedAmount _first;
#pragma warning restore IDE0044, IDE0051, CA1823
}
