using System.Globalization;

namespace FinanceIngest.Baselines;

/// <summary>Why a text is not the number that its field wants.</summary>
public enum NumberProblem
{
    /// <summary>The text is the number.</summary>
    None,

    /// <summary>The text is no number.</summary>
    NotANumber,

    /// <summary>The text is a number, but no integer.</summary>
    NotAnInteger,

    /// <summary>The text is a number that the field's type can't hold.</summary>
    OutOfRange,
}

/// <summary>Numbers as people, Python and spreadsheets write them.</summary>
public static class NumberText
{
    /// <summary>Reads an integer. Decimals are accepted if all of them are zero, because pandas writes integers like that once they were floats.</summary>
    public static NumberProblem ParseInteger(ReadOnlySpan<char> text, out long value)
    {
        text = text.Trim();
        int dot = text.IndexOf('.');
        if (dot > 0 && dot < text.Length - 1 && text[(dot + 1)..].TrimStart('0').IsEmpty)
        {
            text = text[..dot];
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value))
        {
            return NumberProblem.None;
        }

        ReadOnlySpan<char> digits = text.TrimStart("+-");
        return digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9') ? NumberProblem.NotAnInteger : NumberProblem.OutOfRange;
    }

    /// <summary>The integer that a double equals exactly.</summary>
    public static NumberProblem ToInteger(double number, out long value)
    {
        const double TwoTo63 = 9223372036854775808.0;
        bool inRange = number is >= -TwoTo63 and < TwoTo63;
        value = inRange ? (long)number : 0;
        return !double.IsInteger(number) ? NumberProblem.NotAnInteger : inRange ? NumberProblem.None : NumberProblem.OutOfRange;
    }

    /// <summary>Reads a double, finite or not, in the spellings of .NET and of Python.</summary>
    public static NumberProblem ParseNumber(ReadOnlySpan<char> text, out double value)
    {
        text = text.Trim();
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            return NumberProblem.None;
        }

        value = double.PositiveInfinity;
        return text.TrimStart("+-").Equals("inf", StringComparison.OrdinalIgnoreCase) ? NumberProblem.None : NumberProblem.NotANumber;
    }

    /// <summary>The shortest text that reads back as the same double, recognisable as a floating-point number.</summary>
    public static string Format(double number)
    {
        string text = number.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny(".EN∞") ? text : text + ".0";
    }
}
