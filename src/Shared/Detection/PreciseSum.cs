using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>
/// A sum in two doubles, about 106 bits, so that what was added can be taken out again in any order: a state that is read and written a million times still
/// equals the sum of what its rows say that they contributed. Error-free addition: Knuth, TAOCP volume 2, 4.2.2; Dekker 1971.
/// </summary>
/// <param name="High">The sum, rounded to a double.</param>
/// <param name="Low">What the rounding lost.</param>
internal readonly record struct PreciseSum(double High, double Low)
{
    /// <summary>Returns the sum with a number added.</summary>
    public PreciseSum Plus(double number)
    {
        (double sum, double lost) = Exactly(High, number);
        return Rounded(sum, lost + Low);
    }

    /// <summary>Returns the sum of two sums.</summary>
    public PreciseSum Plus(PreciseSum other)
    {
        (double sum, double lost) = Exactly(High, other.High);
        (double rest, double restLost) = Exactly(Low, other.Low);
        PreciseSum first = Rounded(sum, lost + rest);
        return Rounded(first.High, first.Low + restLost);
    }

    /// <summary>Returns the sum times 2^<paramref name="power"/>, which is exact while the result is a normal number.</summary>
    public PreciseSum Scaled(int power) => new(Math.ScaleB(High, power), Math.ScaleB(Low, power));

    /// <summary>Writes the sum at an offset, little-endian, and returns the offset behind it.</summary>
    public int Write(Span<byte> destination, int at)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(destination[at..], High);
        BinaryPrimitives.WriteDoubleLittleEndian(destination[(at + 8)..], Low);
        return at + 16;
    }

    /// <summary>Reads a sum at an offset and moves the offset behind it.</summary>
    public static PreciseSum Read(ReadOnlySpan<byte> source, ref int at)
    {
        var sum = new PreciseSum(BinaryPrimitives.ReadDoubleLittleEndian(source[at..]), BinaryPrimitives.ReadDoubleLittleEndian(source[(at + 8)..]));
        at += 16;
        return sum;
    }

    private static (double Sum, double Lost) Exactly(double a, double b)
    {
        double sum = a + b;
        double part = sum - a;
        return (sum, (a - (sum - part)) + (b - part));
    }

    private static PreciseSum Rounded(double high, double low)
    {
        double sum = high + low;
        return new PreciseSum(sum, low - (sum - high));
    }
}
