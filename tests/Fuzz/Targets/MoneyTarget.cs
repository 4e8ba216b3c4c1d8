using System.Numerics;
using System.Text;
using System.Text.Json;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.References;
using FinanceIngest.Transactions;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Amounts, compared with big integers.</summary>
internal sealed class MoneyTarget : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => "money";

    /// <inheritdoc/>
    public override string Properties => "agrees with big integers; bytes and characters are read alike; a written amount reads back";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "-", ".", "e", "E", "e-", "e+", "0", "00000000", "9999", "922337203685477.5807", "e-37", "e14", "\0", " ", "NaN",
    ];

    /// <inheritdoc/>
    public override int LongestInput => 480;

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        string text = Encoding.Latin1.GetString(input);
        Money.ParseError error = Money.TryParse(input, out Money amount);
        long? expected = SlowMoney.Units(text);
        Property.Same(expected, error == Money.ParseError.None ? amount.Units : null, "an amount is what big integers say");
        Property.Same(SlowMoney.IsNumber(text), error != Money.ParseError.NotANumber, "a number is told from what is none");
        Property.Same(
            error == Money.ParseError.None,
            Money.TryParse(text.AsSpan(), out Money fromText) == Money.ParseError.None && fromText == amount,
            "characters read as bytes do");
        if (error == Money.ParseError.None)
        {
            RoundTrip(amount);
        }

        string point = text.Contains('.', StringComparison.Ordinal) ? "." : "";
        string minus = text.Contains('-', StringComparison.Ordinal) ? "-" : "";
        string exponent = text.Contains('e', StringComparison.OrdinalIgnoreCase) ? "e" : "";
        return $"{error} {Math.Sign(amount.Units)} {(input.Length > 30 ? "long" : "")} {point}{minus}{exponent}";
    }

    private static void RoundTrip(Money amount)
    {
        Span<byte> written = stackalloc byte[24];
        foreach (bool atLeastOneDecimal in new[] { false, true })
        {
            int length = amount.Format(written, atLeastOneDecimal);
            Property.Holds(
                Money.TryParse(written[..length], out Money again) == Money.ParseError.None && again == amount,
                "what is written reads back",
                $"{amount.Units}");
            var reader = new Utf8JsonReader(written[..length]);
            Property.Holds(reader.Read() && reader.TokenType == JsonTokenType.Number, "what is written is a JSON number", $"{amount.Units}");
        }

        Property.Same(amount, Money.FromDecimal(amount.ToDecimal()), "a decimal holds it");
        double nearest = amount.ToDouble();
        BigInteger distance = Distance(nearest, amount.Units);
        Property.Holds(
            distance <= Distance(Math.BitIncrement(nearest), amount.Units) && distance <= Distance(Math.BitDecrement(nearest), amount.Units),
            "a double is the nearest one",
            $"{amount.Units}: {nearest:R}");
    }

    // The distance is exact, because no double between 0.0001 and 2^53 has digits below 2^-80.
    private static BigInteger Distance(double number, long units)
    {
        const int Shift = 80;
        return BigInteger.Abs((new BigInteger(Math.ScaleB(number, Shift)) * Money.Scale) - ((BigInteger)units << Shift));
    }
}
