namespace FinanceIngest.Detection;

/// <summary>One thing that moved a score, as a code and its value: from these a client makes a sentence in a language of its own.</summary>
/// <param name="Code">One of the codes of <see cref="Factors"/>.</param>
/// <param name="Value">What the code says it is.</param>
internal readonly record struct Factor(string Code, double Value);

/// <summary>Which things moved a score, the strongest first, and nothing else.</summary>
internal static class Factors
{
    /// <summary>Value: how many times the typical amount it is.</summary>
    public const string TimesUsual = "times_usual";

    /// <summary>Value: one amount in so many is that high.</summary>
    public const string RareHigh = "rare_high";

    /// <summary>Value: one amount in so many is that low.</summary>
    public const string RareLow = "rare_low";

    /// <summary>Value: days since 1970-01-01 of the payments that it repeats, in the mean.</summary>
    public const string Repeats = "repeats";

    /// <summary>Value: probability, 0 … 1, with which other payments of the last days suggest that the account is misused.</summary>
    public const string UnusualDays = "unusual_days";

    /// <summary>Value: one amount of anybody in the category in so many is that high.</summary>
    public const string LargeForAnybody = "large_for_anybody";

    /// <summary>Value: payments known, fewer than three: it is judged mostly by what others spend.</summary>
    public const string FewKnown = "few_known";

    /// <summary>Value: by what factor amounts of this weekday and month are usually higher.</summary>
    public const string Season = "season";

    // The numbers under which rows keep the codes: a code's number never changes.
    private static readonly string[] s_codes = [TimesUsual, RareHigh, RareLow, Repeats, UnusualDays, LargeForAnybody, FewKnown, Season];

    // A factor below these moved the score by less than a person would call a reason.
    private const double LeastTimes = 1.5;
    private const double MostShare = 0.05;
    private const double LeastEpisode = 0.05;
    private const double LeastRarity = 2.5;
    private const double LeastSeason = 0.15;
    private const int FewestKnown = 3;

    // What one in so many means at most: less is beyond what a few dozen payments can say.
    private const double MostRare = 1_000_000;

    /// <summary>Returns the number under which a row keeps a code.</summary>
    public static int NumberOf(string code) => Array.IndexOf(s_codes, code);

    /// <summary>Returns the code that a row keeps under a number.</summary>
    /// <exception cref="FormatException">There is no such number.</exception>
    public static string CodeOf(int number) => number < s_codes.Length ? s_codes[number] : throw new FormatException(
        FormattableString.Invariant($"This program knows no factor number {number}."));

    /// <summary>Returns the factors of a judgement.</summary>
    /// <param name="judgement">The judgement.</param>
    /// <param name="amount">The transaction's amount.</param>
    public static IReadOnlyList<Factor> Of(in Judgement judgement, double amount)
    {
        List<Factor> factors = [];
        double times = Math.Abs(amount) / judgement.Usual.Typical;
        if (double.IsFinite(times) && (times >= LeastTimes || times <= 1 / LeastTimes))
        {
            factors.Add(new Factor(TimesUsual, times));
        }

        if (judgement.Surprise < MostShare)
        {
            factors.Add(new Factor(RareHigh, Math.Min(1 / judgement.Surprise, MostRare)));
        }
        else if (judgement.SurpriseBelow < MostShare)
        {
            factors.Add(new Factor(RareLow, Math.Min(1 / judgement.SurpriseBelow, MostRare)));
        }

        if (judgement.RemembersDay is { } day)
        {
            factors.Add(new Factor(Repeats, day));
        }

        if (judgement.Episode > LeastEpisode && judgement.Surprise < 0.5)
        {
            factors.Add(new Factor(UnusualDays, judgement.Episode));
        }

        if (judgement.Rarity > LeastRarity)
        {
            factors.Add(new Factor(LargeForAnybody, Math.Min(Math.Pow(10, judgement.Rarity), MostRare)));
        }

        if (Math.Abs(judgement.Season) > LeastSeason)
        {
            factors.Add(new Factor(Season, Math.Exp(judgement.Season)));
        }

        if (judgement.Usual.Count < FewestKnown)
        {
            factors.Add(new Factor(FewKnown, judgement.Usual.Count));
        }

        return factors;
    }
}
