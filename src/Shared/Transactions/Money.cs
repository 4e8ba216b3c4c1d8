using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace FinanceIngest.Transactions;

/// <summary>
/// An amount of money as a whole number of ten-thousandths: |amount| ≤ 922,337,203,685,477.5807, the range and scale of SQL Server's MONEY and a subset of
/// DECIMAL(19,4). No amount passes through a double on its way to storage.
/// </summary>
/// <param name="Units">Ten-thousandths, −(2^63−1) … 2^63−1.</param>
internal readonly record struct Money(long Units)
{
    /// <summary>Units in an amount of one.</summary>
    public const int Scale = 10_000;

    private const int MaxExponentDigits = 4;
    private const int MaxTextLength = 400;
    private const int Decimals = 4;

    // This many digits, followed by four zeros, have 18 digits and fit into a long.
    private const int ShortDigits = 14;

    /// <summary>The outcome of <see cref="TryParse(ReadOnlySpan{char}, out Money)"/>.</summary>
    public enum ParseError
    {
        /// <summary>The text is an amount.</summary>
        None,

        /// <summary>The text is not a JSON number.</summary>
        NotANumber,

        /// <summary>The value has a digit beyond the fourth decimal.</summary>
        TooManyDecimals,

        /// <summary>The value, or its exponent, is out of range.</summary>
        OutOfRange,
    }

    /// <summary>
    /// Reads a number in JSON's grammar (RFC 8259, section 6), exponents included, without rounding. Trailing zeros are not decimals: <c>1.500000</c> is 1.5.
    /// </summary>
    public static ParseError TryParse(ReadOnlySpan<byte> text, out Money amount)
    {
        amount = default;
        return Split(text, out Parts parts) is not ParseError.None and var error ? error
            : Assemble(parts.Whole, parts.Fraction, parts.Exponent, parts.IsNegative, out amount);
    }

    /// <summary>
    /// Reads a number as <see cref="TryParse(ReadOnlySpan{byte}, out Money)"/> does, and rounds what lies beyond the fourth decimal half-even: the decimal
    /// text is rounded, however many digits it has, and never a double.
    /// </summary>
    public static ParseError TryParseRounded(ReadOnlySpan<byte> text, out Money amount)
    {
        amount = default;
        return Split(text, out Parts parts) is not ParseError.None and var error ? error : Round(parts, out amount);
    }

    // The grammar alone: the number's digits and its exponent, neither of which is too long.
    private static ParseError Split(ReadOnlySpan<byte> text, out Parts parts)
    {
        parts = default;
        int at = 0;
        bool negative = text.Length > 0 && text[0] == '-';
        if (negative)
        {
            at++;
        }

        int wholeStart = at;
        at = SkipDigits(text, at);
        ReadOnlySpan<byte> whole = text[wholeStart..at];
        if (whole.IsEmpty || (whole.Length > 1 && whole[0] == '0'))
        {
            return ParseError.NotANumber;
        }

        ReadOnlySpan<byte> fraction = default;
        if (at < text.Length && text[at] == '.')
        {
            int fractionStart = ++at;
            at = SkipDigits(text, at);
            fraction = text[fractionStart..at];
            if (fraction.IsEmpty)
            {
                return ParseError.NotANumber;
            }
        }

        int exponent = 0;
        if (at < text.Length && (text[at] | 0x20) == 'e')
        {
            at++;
            bool negativeExponent = at < text.Length && text[at] == '-';
            if (at < text.Length && text[at] is (byte)'-' or (byte)'+')
            {
                at++;
            }

            int exponentStart = at;
            at = SkipDigits(text, at);
            ReadOnlySpan<byte> digits = text[exponentStart..at];
            if (digits.IsEmpty || at != text.Length)
            {
                return ParseError.NotANumber;
            }

            digits = digits.TrimStart((byte)'0');
            if (digits.Length > MaxExponentDigits)
            {
                return ParseError.OutOfRange;
            }

            foreach (byte digit in digits)
            {
                exponent = (exponent * 10) + (digit - '0');
            }

            exponent = negativeExponent ? -exponent : exponent;
        }

        parts = new Parts { Whole = whole, Fraction = fraction, Exponent = exponent, IsNegative = negative };
        return at != text.Length ? ParseError.NotANumber
            : text.Length > MaxTextLength ? ParseError.OutOfRange
            : ParseError.None;
    }

    /// <summary>Reads a number in JSON's grammar from UTF-16 characters, without rounding.</summary>
    public static ParseError TryParse(ReadOnlySpan<char> text, out Money amount)
    {
        amount = default;
        if (text.Length > MaxTextLength)
        {
            return ParseError.OutOfRange;
        }

        Span<byte> bytes = stackalloc byte[text.Length];
        return Ascii.FromUtf16(text, bytes, out int written) == System.Buffers.OperationStatus.Done
            ? TryParse(bytes[..written], out amount)
            : ParseError.NotANumber;
    }

    /// <summary>Returns the amount that a DECIMAL(19,4) column holds.</summary>
    /// <exception cref="OverflowException">The value has more than four decimals, or is out of range.</exception>
    public static Money FromDecimal(decimal value)
    {
        decimal units = value * Scale;
        return units == decimal.Truncate(units) && Math.Abs(units) <= long.MaxValue
            ? new Money((long)units)
            : throw new OverflowException($"{value.ToString(CultureInfo.InvariantCulture)} is not an amount with four decimals.");
    }

    /// <summary>Returns the amount as a decimal, without rounding.</summary>
    public decimal ToDecimal() => (decimal)Units / Scale;

    /// <summary>Returns the nearest IEEE double, for scoring; amounts are never stored as doubles.</summary>
    public double ToDouble()
    {
        // Below 2^53 both operands are exact, and the division rounds once. Above, parsing the decimal text rounds once as well.
        const long exact = 1L << 53;
        return Units is > -exact and < exact
            ? (double)Units / Scale
            : double.Parse(ToString(), NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    /// <summary>Returns the shortest decimal without exponent: <c>6000</c>, <c>16.9</c>, <c>-0.0001</c>.</summary>
    public override string ToString()
    {
        Span<byte> text = stackalloc byte[32];
        return Encoding.ASCII.GetString(text[..Format(text, atLeastOneDecimal: false)]);
    }

    /// <summary>Writes the amount as a JSON number and returns its length.</summary>
    /// <param name="destination">At least 24 bytes.</param>
    /// <param name="atLeastOneDecimal">Whether a whole amount is written <c>6000.0</c> rather than <c>6000</c>.</param>
    public int Format(Span<byte> destination, bool atLeastOneDecimal)
    {
        int at = 0;
        ulong magnitude = Units < 0 ? (ulong)-Units : (ulong)Units;
        if (Units < 0)
        {
            destination[at++] = (byte)'-';
        }

        Utf8Formatter.TryFormat(magnitude / Scale, destination[at..], out int written);
        at += written;
        int fraction = (int)(magnitude % Scale);
        if (fraction == 0 && !atLeastOneDecimal)
        {
            return at;
        }

        destination[at++] = (byte)'.';
        int divisor = Scale / 10;
        do
        {
            destination[at++] = (byte)('0' + (fraction / divisor));
            fraction %= divisor;
            divisor /= 10;
        }
        while (fraction != 0);
        return at;
    }

    private static long AppendDigits(long value, ReadOnlySpan<byte> digits)
    {
        foreach (byte digit in digits)
        {
            value = (value * 10) + (digit - '0');
        }

        return value;
    }

    private static int SkipDigits(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9')
        {
            at++;
        }

        return at;
    }

    // The digits up to the fourth decimal are units, the next one and what follows it decide on the rounding.
    private static ParseError Round(Parts parts, out Money amount)
    {
        amount = default;
        int digits = parts.Whole.Length + parts.Fraction.Length;
        int kept = parts.Whole.Length + parts.Exponent + Decimals;
        Int128 units = 0;
        for (int i = 0; i < kept && (i < digits || units != 0); i++)
        {
            units = (units * 10) + (i < digits ? parts.Digit(i) : 0);
            if (units > long.MaxValue)
            {
                return ParseError.OutOfRange;
            }
        }

        // With fewer than no digits kept, zeros stand between the point and the first digit, and the rest is less than half a unit.
        int next = kept >= 0 && kept < digits ? parts.Digit(kept) : 0;
        bool isMoreThanHalf = next > 5 || (next == 5 && HasDigits(parts, kept + 1, digits));
        units += isMoreThanHalf || (next == 5 && units % 2 != 0) ? 1 : 0;
        if (units > long.MaxValue)
        {
            return ParseError.OutOfRange;
        }

        amount = new Money(parts.IsNegative ? -(long)units : (long)units);
        return ParseError.None;
    }

    private static bool HasDigits(Parts parts, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            if (parts.Digit(i) != 0)
            {
                return true;
            }
        }

        return false;
    }

    // value = (whole ++ fraction) × 10^(exponent − fraction.Length); units = value × 10^4.
    private static ParseError Assemble(
        ReadOnlySpan<byte> whole, ReadOnlySpan<byte> fraction, int exponent, bool negative, out Money amount)
    {
        amount = default;
        fraction = fraction.TrimEnd((byte)'0');
        int power = exponent + Decimals;
        if (whole.Length + fraction.Length <= ShortDigits && power - fraction.Length is >= 0 and <= Decimals)
        {
            // The common case: the digits and the zeros after them fit into a long.
            long small = AppendDigits(AppendDigits(0, whole), fraction);
            for (int zeros = power - fraction.Length; zeros > 0; zeros--)
            {
                small *= 10;
            }

            amount = new Money(negative ? -small : small);
            return ParseError.None;
        }

        Int128 units = 0;
        if (fraction.IsEmpty)
        {
            // A 1 with forty zeros and e-40 is 1: zeros at the end count towards the exponent, not towards the digits that have to fit.
            int digits = whole.Length;
            whole = whole.TrimEnd((byte)'0');
            power += digits - whole.Length;
        }

        foreach (byte digit in whole)
        {
            units = (units * 10) + (digit - '0');
            if (units > Int128.MaxValue / 100)
            {
                return ParseError.OutOfRange;
            }
        }

        foreach (byte digit in fraction)
        {
            power--;
            units = (units * 10) + (digit - '0');
            if (units > Int128.MaxValue / 100)
            {
                return ParseError.TooManyDecimals;
            }
        }

        for (; power < 0 && units != 0; power++)
        {
            (units, Int128 rest) = Int128.DivRem(units, 10);
            if (rest != 0)
            {
                return ParseError.TooManyDecimals;
            }
        }

        for (; power > 0 && units != 0; power--)
        {
            units *= 10;
            if (units > long.MaxValue)
            {
                return ParseError.OutOfRange;
            }
        }

        if (units > long.MaxValue)
        {
            return ParseError.OutOfRange;
        }

        amount = new Money(negative ? -(long)units : (long)units);
        return ParseError.None;
    }

    /// <summary>A number in JSON's grammar: (whole ++ fraction) × 10^(exponent − length of fraction).</summary>
    private readonly ref struct Parts
    {
        public ReadOnlySpan<byte> Whole { get; init; }

        public ReadOnlySpan<byte> Fraction { get; init; }

        public int Exponent { get; init; }

        public bool IsNegative { get; init; }

        public int Digit(int index) => (index < Whole.Length ? Whole[index] : Fraction[index - Whole.Length]) - '0';
    }
}
