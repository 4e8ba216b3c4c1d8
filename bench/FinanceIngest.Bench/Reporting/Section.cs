namespace FinanceIngest.Bench.Reporting;

/// <summary>What one benchmark found, kept as JSON so that the report can be put together from runs at different times.</summary>
/// <param name="Title">Heading.</param>
/// <param name="Method">What was measured and how, in plain words.</param>
/// <param name="Series">Everything measured, in the order of the run.</param>
/// <param name="Ratios">What is held against a target.</param>
/// <param name="Notes">What else a reader should know of this run.</param>
public sealed record Section(
    string Title, string Method, IReadOnlyList<Series> Series, IReadOnlyList<Ratio> Ratios, IReadOnlyList<string> Notes)
{
    /// <summary>The benchmark's name on the command line.</summary>
    public string Name { get; init; } = "";

    /// <summary>When it was run.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>The commit that was measured.</summary>
    public string Commit { get; init; } = "";
}

/// <summary>One figure, measured once per round.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Unit">Of its values.</param>
/// <param name="Values">One per round.</param>
public sealed record Series(string Name, string Unit, IReadOnlyList<double> Values)
{
    /// <summary>The middle value.</summary>
    public double Median => Statistics.Median(Values);
}

/// <summary>A figure with its target. Rounds that belong together are divided by each other, so that what disturbs both cancels out.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">The ratio of the medians, or the median itself where there is nothing to divide by.</param>
/// <param name="Lowest">Of the rounds.</param>
/// <param name="Highest">Of the rounds.</param>
/// <param name="Target">From the issue; null: reported beside the one that has a target.</param>
public sealed record Ratio(string Name, double Value, double Lowest, double Highest, Target? Target)
{
    /// <summary>One series divided by another of the same run.</summary>
    public static Ratio Of(string name, Series numerator, Series denominator, Target? target)
    {
        double[] rounds = [.. numerator.Values.Zip(denominator.Values, (a, b) => a / b)];
        return new Ratio(name, numerator.Median / denominator.Median, rounds.Min(), rounds.Max(), target);
    }

    /// <summary>A series by itself.</summary>
    public static Ratio Of(Series series, Target? target) => new(series.Name, series.Median, series.Values.Min(), series.Values.Max(), target);
}

/// <summary>A limit that a figure has to keep.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="IsUpper">Whether the figure must not be above it; else not below.</param>
public sealed record Target(double Limit, bool IsUpper)
{
    /// <summary>At least this.</summary>
    public static Target AtLeast(double limit) => new(limit, IsUpper: false);

    /// <summary>At most this.</summary>
    public static Target AtMost(double limit) => new(limit, IsUpper: true);

    /// <summary>Whether the figure keeps it.</summary>
    public bool IsMetBy(double value) => IsUpper ? value <= Limit : value >= Limit;
}
