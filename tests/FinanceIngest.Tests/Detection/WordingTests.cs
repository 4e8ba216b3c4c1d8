using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>The sentence that a person reads, and the factors from which others make theirs.</summary>
public sealed class WordingTests
{
    private static readonly Judgement s_high = new()
    {
        IsKnown = true,
        Usual = new Usual(1_200, 2_100, 3_900, 41),
        Surprise = 1 / 904.0,
        SurpriseBelow = 0.999,
    };

    [Fact]
    public void A_high_amount_is_told_in_one_sentence() => Assert.Equal(
        "5.3 times your usual for category 2310: usually 1,200 to 3,900 over 41 payments; this high about once in 900",
        Wording.Of("en").Explain("2310", 11_130, s_high));

    [Fact]
    public void German_has_its_own_words_and_its_own_numbers() => Assert.Equal(
        "Das 5,3-Fache Ihres Üblichen in der Kategorie 2310: üblich sind 1.200 EUR bis 3.900 EUR bei 41 Zahlungen; so hoch etwa einmal in 900",
        Wording.Of("de", "EUR").Explain("2310", 11_130, s_high));

    [Fact]
    public void Only_what_moved_the_score_is_said()
    {
        Judgement ordinary = s_high with { Surprise = 0.4, SurpriseBelow = 0.6 };
        Assert.Empty(Factors.Of(ordinary, 2_200));
        Assert.Equal("About your usual for category 2310: usually 1,200 to 3,900 over 41 payments", Wording.Of("en").Explain("2310", 2_200, ordinary));
    }

    [Fact]
    public void Everything_that_moved_the_score_is_said_and_is_a_factor()
    {
        Judgement judgement = s_high with { RemembersDay = 20_000, Episode = 0.5, Rarity = 3, Season = 0.5, Usual = s_high.Usual with { Count = 2 } };
        Assert.Equal(
            [
                Factors.TimesUsual, Factors.RareHigh, Factors.Repeats, Factors.UnusualDays, Factors.LargeForAnybody, Factors.Season, Factors.FewKnown,
            ],
            Factors.Of(judgement, 11_130).Select(factor => factor.Code));
        Assert.Equal(
            "5.3 times your usual for category 2310: only 2 payments known, judged mostly by what others spend; this high about once in 900; "
            + "like an amount that you paid before, around 2024-10-04; after other unusual payments in these days; more than nearly anybody pays there; "
            + "more is usual at this time",
            Wording.Of("en").Explain("2310", 11_130, judgement));
    }

    [Theory]
    [InlineData("en")]
    [InlineData("de")]
    public void No_sentence_keeps_a_placeholder_or_lacks_an_end(string language)
    {
        Judgement[] all =
        [
            s_high, s_high with { IsKnown = false }, s_high with { Surprise = 0.99, SurpriseBelow = 0.001, Season = -0.5 },
            s_high with { Usual = new Usual(0, 0, 0, 0), Surprise = 0 },
            s_high with { Usual = new Usual(0.5, 1, 2, 1), RemembersDay = 0, Episode = 1, Rarity = 9 },
        ];
        foreach (Judgement judgement in all)
        {
            foreach (double amount in new[] { 0, 5, -5, 1e15 })
            {
                string sentence = Wording.Of(language).Explain("Food", amount, judgement);
                Assert.DoesNotContain("{", sentence, StringComparison.Ordinal);
                Assert.DoesNotContain("NaN", sentence, StringComparison.Ordinal);
                Assert.Contains("Food", sentence, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_language_without_words_is_refused_by_name() =>
        Assert.Contains("de, en", Assert.Throws<ArgumentException>(() => Wording.Of("xx")).Message, StringComparison.Ordinal);
}
