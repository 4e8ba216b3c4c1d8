using FinanceIngest.Detection;

namespace FinanceIngest.Learning;

/// <summary>
/// What is known of all users together, as of one renewal: priors of categories, thresholds of alerts, and what verdicts say. Immutable; a batch is scored with
/// one model.
/// </summary>
internal sealed class DetectionModel
{
    /// <summary>The number of the renewal that made the model; 0: none has.</summary>
    public int Version { get; init; }

    /// <summary>When the first transaction that the detector scored occurred; null: none was scored.</summary>
    public DateTime? Began { get; init; }

    /// <summary>The time as of which the model was made: the latest at which a transaction had occurred. UTC.</summary>
    public DateTime MadeAt { get; init; }

    /// <summary>Priors by category; a category that is not among them has <see cref="Others"/>.</summary>
    public IReadOnlyDictionary<CategoryKey, CategoryPrior> Priors { get; init; } = new Dictionary<CategoryKey, CategoryPrior>();

    /// <summary>The prior of every other category.</summary>
    public CategoryPrior Others { get; init; } = CategoryPrior.Unknown;

    /// <summary>The odds from which on a transaction is an anomaly.</summary>
    public required AlertThresholds Thresholds { get; init; }

    /// <summary>What verdicts say, by category.</summary>
    public IReadOnlyDictionary<CategoryKey, VerdictTable> Verdicts { get; init; } = new Dictionary<CategoryKey, VerdictTable>();

    /// <summary>The model before the first renewal.</summary>
    /// <param name="alertsPerUserMonth">The budget of alerts.</param>
    public static DetectionModel First(double alertsPerUserMonth) =>
        new() { Thresholds = AlertThresholds.For(new OddsTable(), 0, alertsPerUserMonth) };

    /// <summary>The prior of a category.</summary>
    public CategoryPrior PriorOf(CategoryKey category) => Priors.GetValueOrDefault(category, Others);

    /// <summary>A judgement with what verdicts in its category say.</summary>
    public Judgement Corrected(in Judgement judgement, CategoryKey category, double amount) =>
        Verdicts.TryGetValue(category, out VerdictTable? table) ? judgement.Corrected(table.CorrectionFor(amount)) : judgement;
}
