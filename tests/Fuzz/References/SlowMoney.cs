using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace FinanceIngest.Fuzz.References;

/// <summary>A slow reference for amounts: a regular expression for the numbers of RFC 8259, and big integers.</summary>
internal static partial class SlowMoney
{
    private const int LongestText = 400;
    private const int MostExponentDigits = 4;

    /// <summary>Whether the text is a JSON number.</summary>
    public static bool IsNumber(string text) => Number().IsMatch(text);

    /// <summary>Returns the amount in ten-thousandths; null when the text is no amount.</summary>
    public static long? Units(string text)
    {
        Match match = Number().Match(text);
        string exponent = match.Groups["exponent"].Value.TrimStart('+');
        string digits = exponent.TrimStart('-').TrimStart('0');
        if (!match.Success || text.Length > LongestText || digits.Length > MostExponentDigits)
        {
            return null;
        }

        string fraction = match.Groups["fraction"].Value;
        BigInteger mantissa = BigInteger.Parse(match.Groups["whole"].Value + fraction, CultureInfo.InvariantCulture);
        int power = (exponent.StartsWith('-') ? -1 : 1) * (digits.Length == 0 ? 0 : int.Parse(digits, CultureInfo.InvariantCulture)) - fraction.Length + 4;
        BigInteger units = power >= 0 ? mantissa * BigInteger.Pow(10, power) : BigInteger.DivRem(mantissa, BigInteger.Pow(10, -power), out mantissa);
        bool exact = power >= 0 || mantissa.IsZero;
        return !exact || units > long.MaxValue ? null : (long)(text.StartsWith('-') ? -units : units);
    }

    [GeneratedRegex(@"\A-?(?<whole>0|[1-9][0-9]*)(\.(?<fraction>[0-9]+))?([eE](?<exponent>[+-]?[0-9]+))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
