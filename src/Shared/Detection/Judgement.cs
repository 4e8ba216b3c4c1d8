namespace FinanceIngest.Detection;

/// <summary>A transaction as a detector sees it.</summary>
/// <param name="Amount">The amount; below zero: a refund or an income, which is judged among its own kind.</param>
/// <param name="OccurredAt">UTC.</param>
internal readonly record struct Sighting(double Amount, DateTime OccurredAt)
{
    /// <summary>Whether the amount is below zero.</summary>
    public bool IsRefund => Amount < 0;
}

/// <summary>The range of four in five of a user's amounts in a category, and their middle, in the unit of the amounts and without their sign.</summary>
/// <param name="Low">One amount in ten is lower; ≥ 0.</param>
/// <param name="Typical">Half of the amounts are lower.</param>
/// <param name="High">One amount in ten is higher.</param>
/// <param name="Count">Rows of this user in this category before this one.</param>
internal readonly record struct Usual(double Low, double Typical, double High, int Count);

/// <summary>What a detector makes of one transaction, and everything from which the words about it are made.</summary>
internal readonly record struct Judgement
{
    /// <summary>Rank of the transaction among all: log odds that it is bad, and what its size adds. Thresholds and budgets are of this.</summary>
    public double Odds { get; init; }

    /// <summary>How often this user's spending in this category is that high, 0 … 1: 0.001 is once in a thousand.</summary>
    public double Surprise { get; init; }

    /// <summary>How often it is that low, 0 … 1. It is told and never alerted.</summary>
    public double SurpriseBelow { get; init; }

    /// <summary>
    /// How often an amount is that high that is not a remembered one, 0 … 1; a remembered one has its own share added. Below a standing amount this
    /// is less than
    /// <see cref="Surprise"/>: a rent of 1,000 makes 900 no more usual.
    /// </summary>
    public double Unusual { get; init; }

    /// <summary>Probability that the transaction is bad by its amount and what came before, 0 … 1. It is no estimate of fraud: it ranks, and says
    /// how far to learn.</summary>
    public double Suspicion { get; init; }

    /// <summary>(amount − predicted mean) / predicted deviation.</summary>
    public double ZScore { get; init; }

    /// <summary>Predicted mean, in the unit of the amount.</summary>
    public double Mean { get; init; }

    /// <summary>Predicted deviation, in the unit of the amount; &gt; 0.</summary>
    public double Deviation { get; init; }

    /// <summary>What is usual.</summary>
    public Usual Usual { get; init; }

    /// <summary>Whether anything at all is known of the category, of this user or of others.</summary>
    public bool IsKnown { get; init; }

    /// <summary>Probability of an episode of misuse on the user's account before this transaction.</summary>
    public double Episode { get; init; }

    /// <summary>Deviations above everybody's log mean in the category.</summary>
    public double Size { get; init; }

    /// <summary>How rare it is that anybody pays that much in the category: −log₁₀ of the share of higher amounts, ≥ 0; 0: too few users.</summary>
    public double Rarity { get; init; }

    /// <summary>Log amount that is usual for the user in the category, the season included.</summary>
    public double UsualLog { get; init; }

    /// <summary>The remembered amount that this one repeats: its mean day, in days since 1970-01-01; null: none.</summary>
    public int? RemembersDay { get; init; }

    /// <summary>Season's part of the log amount.</summary>
    public double Season { get; init; }

    /// <summary>What the transaction adds to the states.</summary>
    public Contribution Contribution { get; init; }

    /// <summary>Returns the judgement with what the verdicts in its category say of amounts of its size added to the odds.</summary>
    /// <param name="logOdds">See <see cref="VerdictTable.CorrectionFor"/>.</param>
    public Judgement Corrected(double logOdds) => this with
    {
        Odds = Odds + logOdds,
        Contribution = Contribution with { OddsBin = OddsTable.BinOf(Odds + logOdds, Unusual < AlertThresholds.MostUnusual) },
    };
}
