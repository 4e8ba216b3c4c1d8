namespace FinanceIngest.Detection;

/// <summary>
/// The constants of the adaptive detector. They are round, and none was fitted to one set of data: what differs between currencies, categories and people is
/// learned, see <see cref="CategoryPrior"/>. They are settings for the evaluation alone, which measures what each is worth.
/// </summary>
internal sealed record AdaptiveSettings
{
    /// <summary>The constants that the product uses.</summary>
    public static AdaptiveSettings Default { get; } = new();

    /// <summary>A row teaches at least this much, however suspicious it is, so that a changed level of prices is learned at last.</summary>
    public double LeastWeight { get; init; } = 0.3;

    /// <summary>A row pulls no further than this many predictive deviations.</summary>
    public double FarthestPull { get; init; } = 4;

    /// <summary>Most rows' worth that anything known counts for.</summary>
    public double MostRows { get; init; } = 400;

    /// <summary>The least deviation, as a part of the mean.</summary>
    public double LeastVariation { get; init; } = 0.02;

    /// <summary>Below this many rows the plain scale averages over the levels that the amounts may have.</summary>
    public double FewRows { get; init; } = 30;

    /// <summary>Share of bad rows among all rows, outside of episodes.</summary>
    public double LoneShare { get; init; } = 0.002;

    /// <summary>Share of bad rows in an episode of misuse.</summary>
    public double EpisodeShare { get; init; } = 0.25;

    /// <summary>Probability that an episode is going on when nothing speaks for or against it.</summary>
    public double EpisodeBase { get; init; } = 0.004;

    /// <summary>The highest probability of an episode.</summary>
    public double EpisodeMost { get; init; } = 0.9;

    /// <summary>Rows without anything unusual bring the log odds of an episode no further below those of <see cref="EpisodeBase"/>.</summary>
    public double EpisodeLeast { get; init; } = -1;

    /// <summary>An episode lifts a row by this power of 1 − surprise of its probability, so that an ordinary row stays ordinary.</summary>
    public double EpisodePower { get; init; } = 1;

    /// <summary>Log of the factor by which a bad amount exceeds the usual one.</summary>
    public double BadFactor { get; init; } = Math.Log(4);

    /// <summary>Deviation of that log factor.</summary>
    public double BadSpread { get; init; } = 0.8;

    /// <summary>
    /// Weight of amounts that are absurdly high, so that none is so high that it would be a better ordinary one. It counts as evidence only up to
    /// <see cref="AbsurdMost"/>:
    /// nothing is known of such amounts, and a house is bought as well.
    /// </summary>
    public double AbsurdShare { get; init; } = 0.05;

    /// <summary>How far above bad amounts these lie, in log amounts.</summary>
    public double AbsurdFrom { get; init; } = 2;

    /// <summary>The most that an absurd amount counts for, in log odds.</summary>
    public double AbsurdMost { get; init; } = 5;

    /// <summary>Share of ordinary amounts whose level has just changed: a rise of the rent or of the salary, a more expensive shop.</summary>
    public double DriftShare { get; init; } = 0.03;

    /// <summary>Deviation of such a change, as a log amount.</summary>
    public double DriftSpread { get; init; } = 0.3;

    /// <summary>Share of bad amounts that are large for anybody rather than for this user.</summary>
    public double LargeShare { get; init; } = 0.2;

    /// <summary>Where these lie, in deviations of everybody's log amounts above their mean.</summary>
    public double LargeCentre { get; init; } = 2;

    /// <summary>What each deviation above everybody's log mean adds to the log odds: money at risk is worth ranking by.</summary>
    public double SizeGain { get; init; } = 0.1;

    /// <summary>What each power of ten adds by which an amount is rarer, for anybody, than one in 10^<see cref="TailFrom"/>.</summary>
    public double TailGain { get; init; } = 1;

    /// <summary>The rarity, as −log₁₀ of a share, from which on it adds.</summary>
    public double TailFrom { get; init; } = 2;

    /// <summary>Powers of ten beyond this add nothing.</summary>
    public double TailMost { get; init; } = 5;

    /// <summary>Deviations of size beyond this add nothing.</summary>
    public double SizeMost { get; init; } = 5;

    /// <summary>An amount is a remembered one within this distance of its logarithm.</summary>
    public double RememberedWidth { get; init; } = 0.02;

    /// <summary>A remembered amount vouches for others only when its rows are this many days old in the mean.</summary>
    public double RememberedAge { get; init; } = 5;

    /// <summary>How fast a remembered amount loses weight, in days.</summary>
    public double RememberedFor { get; init; } = 400;

    /// <summary>Share of repeated amounts before any row is known.</summary>
    public double RememberedShare { get; init; } = 0.02;

    /// <summary>In rows, what that share weighs.</summary>
    public double RememberedRows { get; init; } = 20;

    /// <summary>An amount is remembered when it is among this share of the least usual ones.</summary>
    public double RememberedBelow { get; init; } = 0.05;

    /// <summary>How far the density of ordinary amounts follows the calibration of surprises, 0 … 1.</summary>
    public double CalibratedShare { get; init; } = 0.5;
}
