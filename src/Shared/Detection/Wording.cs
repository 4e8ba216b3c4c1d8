using System.Globalization;

namespace FinanceIngest.Detection;

/// <summary>
/// Puts a judgement into one sentence for the person whose money it is. It says what moved the score and nothing else, and never a probability of
/// fraud: without
/// verdicts nobody knows one.
/// </summary>
internal sealed class Wording
{
    private readonly Phrases _phrases;
    private readonly string _currency;

    private Wording(Phrases phrases, string currency)
    {
        _phrases = phrases;
        _currency = currency.Length == 0 ? "" : $" {currency}";
    }

    /// <summary>The languages, by their codes in ISO 639.</summary>
    public static IReadOnlyCollection<string> Languages => s_languages.Keys;

    /// <summary>Returns the wording of a language.</summary>
    /// <param name="language">One of <see cref="Languages"/>.</param>
    /// <param name="currency">What follows each amount, such as <c>EUR</c>; empty: nothing.</param>
    /// <exception cref="ArgumentException">There are no words in that language.</exception>
    public static Wording Of(string language, string currency = "") => s_languages.TryGetValue(language, out Phrases? phrases)
        ? new Wording(phrases, currency)
        : throw new ArgumentException(
            $"There are no words in the language {language}; there are in {string.Join(", ", s_languages.Keys.Order(StringComparer.Ordinal))}.");

    /// <summary>Returns the sentence.</summary>
    /// <param name="category">How the person knows the category: its name, or its number.</param>
    /// <param name="amount">The transaction's amount.</param>
    /// <param name="judgement">What was made of it.</param>
    public string Explain(string category, double amount, in Judgement judgement) =>
        judgement.IsKnown ? Explain(category, amount, judgement.Usual, Factors.Of(judgement, amount)) : NothingKnown(category);

    /// <summary>Returns the sentence for a category of which nothing at all is known.</summary>
    /// <param name="category">How the person knows the category: its name, or its number.</param>
    public string NothingKnown(string category) => Fill(_phrases.Nothing, category);

    /// <summary>Returns the sentence.</summary>
    /// <param name="category">How the person knows the category: its name, or its number.</param>
    /// <param name="amount">The transaction's amount.</param>
    /// <param name="usual">What is usual.</param>
    /// <param name="factors">What moved the score.</param>
    public string Explain(string category, double amount, in Usual usual, IReadOnlyList<Factor> factors)
    {
        double? times = ValueOf(factors, Factors.TimesUsual);
        string first = times switch
        {
            null => Fill(_phrases.AsUsual, category),
            >= 1 => Fill(amount < 0 ? _phrases.TimesIn : _phrases.Times, Number(times.Value), category),
            _ => Fill(_phrases.Below, category),
        };
        List<string> parts = [];
        parts.Add(ValueOf(factors, Factors.FewKnown) is { } known
            ? Fill(known switch { 0 => _phrases.NoneKnown, 1 => _phrases.OneKnown, _ => _phrases.FewKnown }, Whole(known))
            : Fill(_phrases.Usually, Money(usual.Low), Money(usual.High), Whole(usual.Count)));
        Add(Factors.RareHigh, _phrases.RareHigh, OneIn);
        Add(Factors.RareLow, _phrases.RareLow, OneIn);
        Add(Factors.Repeats, _phrases.Repeats, Day);
        Add(Factors.UnusualDays, _phrases.UnusualDays, _ => "");
        Add(Factors.LargeForAnybody, _phrases.LargeForAnybody, _ => "");
        Add(Factors.Season, ValueOf(factors, Factors.Season) > 1 ? _phrases.HighSeason : _phrases.LowSeason, _ => "");
        return $"{first}: {string.Join("; ", parts)}";

        void Add(string code, string phrase, Func<double, string> text)
        {
            if (ValueOf(factors, code) is { } value)
            {
                parts.Add(Fill(phrase, text(value)));
            }
        }
    }

    private static double? ValueOf(IReadOnlyList<Factor> factors, string code)
    {
        foreach (Factor factor in factors)
        {
            if (factor.Code == code)
            {
                return factor.Value;
            }
        }

        return null;
    }

    private static string Fill(string phrase, params ReadOnlySpan<string> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            phrase = phrase.Replace($"{{{i}}}", values[i], StringComparison.Ordinal);
        }

        return phrase;
    }

    private string Day(double day) => DateTime.UnixEpoch.AddDays(day).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private string Whole(double value) => value.ToString("#,##0", _phrases.Numbers);

    private string Number(double value) => value.ToString(value < 10 ? "0.0" : "#,##0", _phrases.Numbers);

    private string Money(double value) => value.ToString(value < 100 ? "0.00" : "#,##0", _phrases.Numbers) + _currency;

    // Two digits: more would claim to be known.
    private string OneIn(double value)
    {
        double unit = Math.Pow(10, Math.Max(Math.Floor(Math.Log10(value)) - 1, 0));
        return Whole(Math.Round(value / unit) * unit);
    }

    private sealed record Phrases
    {
        public required NumberFormatInfo Numbers { get; init; }

        public required string Nothing { get; init; }

        public required string Times { get; init; }

        public required string TimesIn { get; init; }

        public required string Below { get; init; }

        public required string AsUsual { get; init; }

        public required string Usually { get; init; }

        public required string NoneKnown { get; init; }

        public required string OneKnown { get; init; }

        public required string FewKnown { get; init; }

        public required string RareHigh { get; init; }

        public required string RareLow { get; init; }

        public required string Repeats { get; init; }

        public required string UnusualDays { get; init; }

        public required string LargeForAnybody { get; init; }

        public required string HighSeason { get; init; }

        public required string LowSeason { get; init; }
    }

    private static readonly Dictionary<string, Phrases> s_languages = new(StringComparer.OrdinalIgnoreCase)
    {
        ["en"] = new Phrases
        {
            Numbers = new NumberFormatInfo { NumberGroupSeparator = ",", NumberDecimalSeparator = "." },
            Nothing = "Nothing is known of category {0} yet",
            Times = "{0} times your usual for category {1}",
            TimesIn = "{0} times what you usually receive in category {1}",
            Below = "Below your usual for category {0}",
            AsUsual = "About your usual for category {0}",
            Usually = "usually {0} to {1} over {2} payments",
            NoneKnown = "your first payment there, judged by what others spend",
            OneKnown = "only 1 payment known, judged mostly by what others spend",
            FewKnown = "only {0} payments known, judged mostly by what others spend",
            RareHigh = "this high about once in {0}",
            RareLow = "this low about once in {0}",
            Repeats = "like an amount that you paid before, around {0}",
            UnusualDays = "after other unusual payments in these days",
            LargeForAnybody = "more than nearly anybody pays there",
            HighSeason = "more is usual at this time",
            LowSeason = "less is usual at this time",
        },
        ["de"] = new Phrases
        {
            Numbers = new NumberFormatInfo { NumberGroupSeparator = ".", NumberDecimalSeparator = "," },
            Nothing = "Über die Kategorie {0} ist noch nichts bekannt",
            Times = "Das {0}-Fache Ihres Üblichen in der Kategorie {1}",
            TimesIn = "Das {0}-Fache dessen, was Sie in der Kategorie {1} üblicherweise erhalten",
            Below = "Unter Ihrem Üblichen in der Kategorie {0}",
            AsUsual = "Etwa Ihr Übliches in der Kategorie {0}",
            Usually = "üblich sind {0} bis {1} bei {2} Zahlungen",
            NoneKnown = "Ihre erste Zahlung dort, beurteilt nach dem, was andere ausgeben",
            OneKnown = "erst 1 Zahlung bekannt, beurteilt vor allem nach dem, was andere ausgeben",
            FewKnown = "erst {0} Zahlungen bekannt, beurteilt vor allem nach dem, was andere ausgeben",
            RareHigh = "so hoch etwa einmal in {0}",
            RareLow = "so niedrig etwa einmal in {0}",
            Repeats = "wie ein Betrag, den Sie schon gezahlt haben, um den {0}",
            UnusualDays = "nach anderen ungewöhnlichen Zahlungen in diesen Tagen",
            LargeForAnybody = "mehr, als dort fast irgendjemand zahlt",
            HighSeason = "um diese Zeit ist mehr üblich",
            LowSeason = "um diese Zeit ist weniger üblich",
        },
    };
}
