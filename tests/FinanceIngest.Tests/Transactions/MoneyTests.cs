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
