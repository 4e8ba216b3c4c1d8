using System.Text;

namespace FinanceIngest.Cli.Files;

/// <summary>
/// The way in which a file writes amounts. Without options that is a number as in JSON, to which a leading plus, leading zeros and a bare <c>.50</c> are added,
/// because they have only one meaning.
/// </summary>
/// <param name="DecimalComma">
/// Whether a comma stands before the decimals; a dot, a space or an apostrophe may then stand between groups of three digits.
/// </param>
/// <param name="Accounting">
/// Whether brackets, a trailing minus, U+2212 or a minus before spaces make an amount negative, and a comma (with the decimal dot), a space or an apostrophe
/// may stand between groups of three digits.
/// </param>
internal sealed record NumberForm(bool DecimalComma, bool Accounting)
{
    /// <summary>The form without options.</summary>
    public static readonly NumberForm Plain = new(false, false);

    private const char Minus = '\u2212';
    private const string Spaces = " \u00a0\u2007\u2009\u202f'\u2019";

    // The hints are tried in this order, and the first that reads the text is given.
    private static readonly (NumberForm Form, string Hint)[] s_others =
    [
        (new NumberForm(false, true), "--accounting reads it"),
        (new NumberForm(true, false), "--decimal-comma reads it"),
        (new NumberForm(true, true), "--decimal-comma and --accounting together read it"),
    ];

    /// <summary>
    /// Reads a number, and gives it as JSON writes it: digit for digit, without grouping. Returns the problem, a phrase of which the field is the subject; null
    /// when there is none.
    /// </summary>
    /// <param name="text">The trimmed text of the field.</param>
    /// <param name="number">The number as JSON writes it; empty when there is a problem.</param>
    public string? Read(string text, out string number)
    {
        number = "";
        if (text.Length > FieldText.LongestValue)
        {
            return "is longer than 1,000 characters";
        }

        int bad = Scan(text, out number);
        if (bad < 0)
        {
            return null;
        }

        // Behind a space the sign or the letter is the trouble, not the space.
        int next = text.Length - text.AsSpan(bad).TrimStart(FieldText.Blanks).Length;
        bad = next < text.Length && !char.IsAsciiDigit(text[next]) ? next : bad;
        string place = bad < text.Length
            ? FormattableString.Invariant($"it has {FieldText.NameAt(text, bad)} at character {bad + 1}")
            : "it is cut short";
        string hint = Array.Find(s_others, other => other.Form.Adds(this) && other.Form.Scan(text, out _) < 0).Hint is { } known ? $"; {known}" : "";
        return $"is not a number: {place}{hint}";
    }

    /// <summary>Reads a whole number whose decimals, if it has any, are zeros; returns its sign and digits, or null.</summary>
    public string? ReadWhole(string text)
    {
        int mark = text.IndexOf(DecimalComma ? ',' : '.', StringComparison.Ordinal);
        if (mark > 0 && mark < text.Length - 1 && text.AsSpan(mark + 1).TrimStart('0').IsEmpty)
        {
            text = text[..mark];
        }

        ReadOnlySpan<char> digits = text is ['+' or '-', ..] ? text.AsSpan(1) : text;
        return digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9') ? null : text;
    }

    // A hint never asks to take an option away.
    private bool Adds(NumberForm given) =>
        this != given && (DecimalComma || !given.DecimalComma) && (Accounting || !given.Accounting);

    /// <summary>Returns -1 and the number, or the place of the first character that does not fit: the text's length when something is missing.</summary>
    private int Scan(string text, out string number)
    {
        number = "";
        int start = 0;
        int end = text.Length;
        bool isNegative = false;
        if (Accounting && text is ['(', .., ')'])
        {
            isNegative = true;
            start = 1;
            end--;
            TrimSpaces(text, ref start, ref end);
        }
        else if (Accounting && text is [not ('-' or '+' or Minus), .., '-' or Minus])
        {
            isNegative = true;
            end--;
            TrimSpaces(text, ref start, ref end);
        }
        else if (text is ['-' or '+', ..] || (Accounting && text is [Minus, ..]))
        {
            isNegative = text[0] != '+';
            start = 1;
            if (Accounting)
            {
                TrimSpaces(text, ref start, ref end);
            }
        }

        int bad = ScanMagnitude(text, start, end, out string magnitude);
        number = bad >= 0 ? "" : isNegative ? $"-{magnitude}" : magnitude;
        return bad;
    }

    private static void TrimSpaces(string text, ref int start, ref int end)
    {
        while (start < end && FieldText.Blanks.Contains(text[start]))
        {
            start++;
        }

        while (end > start && FieldText.Blanks.Contains(text[end - 1]))
        {
            end--;
        }
    }

    private int ScanMagnitude(string text, int start, int end, out string number)
    {
        number = "";
        int at = start;
        int bad = ScanWhole(text, ref at, end, out string whole, out bool isGrouped, out bool isLoneComma);
        if (bad >= 0)
        {
            return bad;
        }

        string decimals = "";
        int mark = at;
        if (at < end && text[at] == (DecimalComma ? ',' : '.'))
        {
            at++;
            int first = at;
            at = SkipDigits(text, at, end);
            decimals = text[first..at];
            if (decimals.Length == 0)
            {
                return at < end ? at : text.Length;
            }
        }

        if (whole.Length == 0 && decimals.Length == 0)
        {
            return at < end ? at : text.Length;
        }

        // "1,234" alone may be a thousand or one and a bit.
        if (isLoneComma && decimals.Length == 0)
        {
            return mark - 4;
        }

        string exponent = "";
        if (!isGrouped && at < end && text[at] is 'e' or 'E')
        {
            int first = at++;
            at += at < end && text[at] is '+' or '-' ? 1 : 0;
            int digits = at;
            at = SkipDigits(text, at, end);
            exponent = text[first..at];
            if (at == digits)
            {
                return at < end ? at : text.Length;
            }
        }

        string trimmed = whole.TrimStart('0');
        number = (trimmed.Length == 0 ? "0" : trimmed) + (decimals.Length > 0 ? $".{decimals}" : "") + exponent;
        return at < end ? at : -1;
    }

    private int ScanWhole(string text, ref int at, int end, out string whole, out bool isGrouped, out bool isLoneComma)
    {
        int first = at;
        at = SkipDigits(text, at, end);
        whole = text[first..at];
        isGrouped = isLoneComma = false;
        if (at == first || at - first > 3 || at >= end || !IsGroupMark(text[at]))
        {
            return -1;
        }

        char mark = text[at];
        var digits = new StringBuilder(whole);
        int groups = 0;
        while (at < end && text[at] == mark)
        {
            int next = SkipDigits(text, at + 1, end);
            if (next - at != 4)
            {
                return at;
            }

            digits.Append(text, at + 1, 3);
            at = next;
            groups++;
        }

        whole = digits.ToString();
        isGrouped = true;
        isLoneComma = mark == ',' && groups == 1;
        return -1;
    }

    private bool IsGroupMark(char mark) =>
        (DecimalComma || Accounting) && (mark == (DecimalComma ? '.' : ',') || Spaces.Contains(mark, StringComparison.Ordinal));

    private static int SkipDigits(string text, int at, int end)
    {
        while (at < end && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        return at;
    }
}
