using System.Globalization;
using System.Numerics;
using System.Text;
using CsCheck;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Transactions;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("25000", 250_000_000)]
    [InlineData("25000.00", 250_000_000)]
    [InlineData("-0.0001", -1)]
    [InlineData("1.50000000", 15_000)]
    [InlineData("1e3", 10_000_000)]
    [InlineData("12345e-4", 12_345)]
    [InlineData("0.00012e1", 12)]
    [InlineData("0e9999", 0)]
    [InlineData("922337203685477.5807", long.MaxValue)]
    [InlineData("-922337203685477.5807", -long.MaxValue)]
    public void Reads_every_json_number_that_fits(string text, long units)
    {
        Assert.Equal(Money.ParseError.None, Money.TryParse(text.AsSpan(), out Money amount));
        Assert.Equal(units, amount.Units);
    }

    [Theory]
    [InlineData("", nameof(Money.ParseError.NotANumber))]
    [InlineData("-", nameof(Money.ParseError.NotANumber))]
    [InlineData("+1", nameof(Money.ParseError.NotANumber))]
    [InlineData("01", nameof(Money.ParseError.NotANumber))]
    [InlineData("1.", nameof(Money.ParseError.NotANumber))]
    [InlineData(".5", nameof(Money.ParseError.NotANumber))]
    [InlineData("1e", nameof(Money.ParseError.NotANumber))]
    [InlineData("1,000", nameof(Money.ParseError.NotANumber))]
    [InlineData(" 1", nameof(Money.ParseError.NotANumber))]
    [InlineData("NaN", nameof(Money.ParseError.NotANumber))]
    [InlineData("Infinity", nameof(Money.ParseError.NotANumber))]
    [InlineData("٣", nameof(Money.ParseError.NotANumber))]
    [InlineData("0.00001", nameof(Money.ParseError.TooManyDecimals))]
    [InlineData("1e-5", nameof(Money.ParseError.TooManyDecimals))]
    [InlineData("1e-400", nameof(Money.ParseError.TooManyDecimals))]
    [InlineData("922337203685477.58071", nameof(Money.ParseError.TooManyDecimals))]
    [InlineData("922337203685477.5808", nameof(Money.ParseError.OutOfRange))]
    [InlineData("1e15", nameof(Money.ParseError.OutOfRange))]
    [InlineData("1e400", nameof(Money.ParseError.OutOfRange))]
    [InlineData("1e99999", nameof(Money.ParseError.OutOfRange))]
    [InlineData("99999999999999999999999999999999999999999999999999", nameof(Money.ParseError.OutOfRange))]
    public void Refuses_everything_else_and_says_why(string text, string expected) =>
        Assert.Equal(expected, Money.TryParse(text.AsSpan(), out _).ToString());

    [Theory]
    [InlineData("0.30000000000000004", 3000)]
    [InlineData("1.00005", 10_000)]
    [InlineData("1.00015", 10_002)]
    [InlineData("1.000050000000000000000000000000000000000000000000000000000001", 10_001)]
    [InlineData("1.00004999999999999999999999999999999999999999999999999999999", 10_000)]
    [InlineData("-1.00005", -10_000)]
    [InlineData("-1.00015", -10_002)]
    [InlineData("0.99995", 10_000)]
    [InlineData("0.00005", 0)]
    [InlineData("0.00015", 2)]
    [InlineData("-0.00004", 0)]
    [InlineData("5e-5", 0)]
    [InlineData("5.0000001e-5", 1)]
    [InlineData("9e-5", 1)]
    [InlineData("9e-6", 0)]
    [InlineData("1e-9999", 0)]
    [InlineData("123456789012345678901234567890e-30", 1235)]
    [InlineData("0.000000000000000000000000000012345e25", 1)]
    [InlineData("62.10", 621_000)]
    [InlineData("922337203685477.58074", long.MaxValue)]
    [InlineData("-922337203685477.58074999", -long.MaxValue)]
    public void Rounds_half_to_even_where_that_is_asked_for(string text, long units)
    {
        Assert.Equal(Money.ParseError.None, Money.TryParseRounded(Encoding.ASCII.GetBytes(text), out Money amount));
        Assert.Equal(units, amount.Units);
    }

    [Theory]
    [InlineData("922337203685477.58075", nameof(Money.ParseError.OutOfRange))]
    [InlineData("922337203685477.5808", nameof(Money.ParseError.OutOfRange))]
    [InlineData("1e15", nameof(Money.ParseError.OutOfRange))]
    [InlineData("1e9999", nameof(Money.ParseError.OutOfRange))]
    [InlineData("1e-99999", nameof(Money.ParseError.OutOfRange))]
    [InlineData("1.", nameof(Money.ParseError.NotANumber))]
    [InlineData("NaN", nameof(Money.ParseError.NotANumber))]
    public void Rounding_makes_nothing_else_legal(string text, string expected) =>
        Assert.Equal(expected, Money.TryParseRounded(Encoding.ASCII.GetBytes(text), out _).ToString());

    // The framework's decimal rounds half to even as well, and holds 28 digits exactly.
    [Fact]
    public void Rounding_agrees_with_decimal()
    {
        Gen<(int Whole, long Fraction, int Decimals)> numbers = Gen.Select(Gen.Int[-999_999, 999_999], Gen.Long[0, 999_999_999_999], Gen.Int[1, 12]);
        numbers.Sample(number =>
        {
            string text = $"{number.Whole}.{number.Fraction.ToString(CultureInfo.InvariantCulture).PadLeft(12, '0')[..number.Decimals]}";
            Assert.Equal(Money.ParseError.None, Money.TryParseRounded(Encoding.ASCII.GetBytes(text), out Money amount));
            decimal expected = decimal.Round(decimal.Parse(text, CultureInfo.InvariantCulture), 4, MidpointRounding.ToEven);
            Assert.Equal(expected, amount.ToDecimal());
        });
    }

    [Fact]
    public void What_is_written_is_read_back_exactly() => Gen.Long.Where(units => units > long.MinValue).Sample(units =>
    {
        var amount = new Money(units);
        Span<byte> text = stackalloc byte[32];
        int length = amount.Format(text, atLeastOneDecimal: true);
        return Money.TryParse(text[..length], out Money again) == Money.ParseError.None && again == amount
            && Money.TryParse(amount.ToString().AsSpan(), out again) == Money.ParseError.None && again == amount
            && Money.FromDecimal(amount.ToDecimal()) == amount;
    });

    [Fact]
    public void Agrees_with_exact_arithmetic_on_any_digits_and_exponent()
    {
        Gen<string> number = Gen.Select(
            Gen.Bool, Gen.String[Gen.Char['0', '9'], 1, 22], Gen.String[Gen.Char['0', '9'], 0, 8], Gen.Int[-24, 24],
            (negative, whole, fraction, exponent) =>
            {
                string sign = negative ? "-" : "";
                string point = fraction.Length > 0 ? "." : "";
                BigInteger integer = BigInteger.Parse(whole, CultureInfo.InvariantCulture);
                return string.Create(CultureInfo.InvariantCulture, $"{sign}{integer}{point}{fraction}e{exponent}");
            });
        number.Sample(text =>
        {
            BigInteger? expected = Exact(text);
            Money.ParseError error = Money.TryParse(Encoding.ASCII.GetBytes(text), out Money amount);
            return expected is { } units ? error == Money.ParseError.None && amount.Units == units : error != Money.ParseError.None;
        });
    }

    [Theory]
    [InlineData("0.1")]
    [InlineData("25000.07")]
    [InlineData("922337203685477.5807")]
    [InlineData("-900719925474.0993")]
    public void The_double_is_the_nearest_one(string text)
    {
        Assert.Equal(Money.ParseError.None, Money.TryParse(text.AsSpan(), out Money amount));
        Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), amount.ToDouble());
    }

    // Returns the units as an exact integer; null when the value is no whole number of units or is out of range.
    private static BigInteger? Exact(string text)
    {
        string[] parts = text.Split('e');
        string[] digits = parts[0].Split('.');
        string fraction = digits.Length > 1 ? digits[1] : "";
        BigInteger value = BigInteger.Parse(digits[0].TrimStart('-') + fraction, CultureInfo.InvariantCulture);
        int power = int.Parse(parts[1], CultureInfo.InvariantCulture) - fraction.Length + 4;
        BigInteger divisor = BigInteger.Pow(10, Math.Max(-power, 0));
        value *= BigInteger.Pow(10, Math.Max(power, 0));
        return value % divisor != 0 || value / divisor > long.MaxValue ? null
            : value / divisor * (text[0] == '-' ? -1 : 1);
    }
}
