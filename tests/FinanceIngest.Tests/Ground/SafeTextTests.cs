using System.Globalization;
using System.Text;
using CsCheck;
using FinanceIngest.Ground;

namespace FinanceIngest.Tests.Ground;

/// <summary>Text written by other people can neither command a terminal nor pass for a line of the program's own.</summary>
public sealed class SafeTextTests
{
    [Theory]
    [InlineData("plain ü € 😀", "plain ü € 😀")]
    [InlineData("two\r\nlines\tand a tab", "two lines and a tab")]
    [InlineData("a\u001b[31mred", "a\\u001b[31mred")]
    [InlineData("bell\a, delete\u007f, C1 \u009b", "bell\\u0007, delete\\u007f, C1 \\u009b")]
    [InlineData("right to left \u202e", "right to left \\u202e")]
    [InlineData("line separator\u2028", "line separator ")]
    [InlineData("tag \U000e0041, musical \U0001d173", "tag \\U000e0041, musical \\U0001d173")]
    public void A_line_has_nothing_that_a_terminal_obeys(string text, string expected) => Assert.Equal(expected, SafeText.Line(text));

    // This case is no row of a theory: an attribute's strings are stored as UTF-8, which can't hold half a surrogate pair.
    [Fact]
    public void Half_of_a_surrogate_pair_is_escaped() => Assert.Equal("half \\ud83d of a pair", SafeText.Line("half \ud83d of a pair"));

    [Fact]
    public void Lines_stay_lines_and_other_control_characters_do_not_pass() =>
        Assert.Equal("one\ntwo\\u0009\nthree\\u001b", SafeText.Lines("one\r\ntwo\t\rthree\u001b"));

    [Fact]
    public void A_quote_is_cut_and_never_within_a_character()
    {
        Assert.Equal("\"short\"", SafeText.Quote("short"));
        Assert.Equal($"\"{new string('x', 60)}…\"", SafeText.Quote(new string('x', 61)));
        Assert.Equal($"\"{new string('x', 59)}…\"", SafeText.Quote(new string('x', 59) + "😀 and more"));
    }

    [Fact]
    public void No_text_gets_a_control_character_past_it() => Gen.String.Sample(text =>
        Assert.DoesNotContain(SafeText.Line(text).EnumerateRunes(), rune => Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format));
}
