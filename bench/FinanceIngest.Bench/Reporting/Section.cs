namespace FinanceIngest.Bench.Reporting;

/// <summary>The results of one benchmark, kept as JSON so that the report can combine runs at different times.</summary>
/// <param name="Title">The heading.</param>
/// <param name="Method">A description of the measurement.</param>
/// <param name="Series">The measured series, in the order of the run.</param>
/// <param name="Ratios">The figures that are compared with targets.</param>
/// <param name="Notes">Further remarks about the run.</param>
public sealed record Section(
    string Title, string Method, IReadOnlyList<Series> Series, IReadOnlyList<Ratio> Ratios, IReadOnlyList<string> Notes)
{
    /// <summary>Figures with a target that this run could not measure.</summary>
    public IReadOnlyList<Missing> Missing { get; init; } = [];

    /// <summary>The benchmark's name on the command line.</summary>
    public string Name { get; init; } = "";

    /// <summary>The time of the run.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>The commit that was measured.</summary>
    public string Commit { get; init; } = "";
}

/// <summary>A figure that is measured once per round.</summary>
/// <param name="Name">The name of the figure.</param>
/// <param name="Unit">The unit of the values.</param>
/// <param name="Values">One value per round.</param>
public sealed record Series(string Name, string Unit, IReadOnlyList<double> Values)
{
    /// <summary>The median of the values.</summary>
    public double Median => Statistics.Median(Values);
}

/// <summary>A figure with its target. The values of the same round are divided by each other, so that disturbances of both cancel out.</summary>
/// <param name="Name">The name of the figure.</param>
/// <param name="Value">The ratio of the medians, or the median of a single series.</param>
/// <param name="Lowest">The lowest value of a round.</param>
/// <param name="Highest">The highest value of a round.</param>
/// <param name="Target">The target; null for a figure without one.</param>
public sealed record Ratio(string Name, double Value, double Lowest, double Highest, Target? Target)
{
    /// <summary>Divides one series by another of the same run.</summary>
    public static Ratio Of(string name, Series numerator, Series denominator, Target? target)
    {
        double[] rounds = [.. numerator.Values.Zip(denominator.Values, (a, b) => a / b)];
        return new Ratio(name, numerator.Median / denominator.Median, rounds.Min(), rounds.Max(), target);
    }

    /// <summary>Makes a figure of a single series.</summary>
    public static Ratio Of(Series series, Target? target) => new(series.Name, series.Median, series.Values.Min(), series.Values.Max(), target);
}

/// <summary>A figure that was not measured, because the machine lacks something that it needs.</summary>
/// <param name="Name">The name of the figure.</param>
/// <param name="Reason">What is absent.</param>
/// <param name="Target">The target that stays open.</param>
public sealed record Missing(string Name, string Reason, Target Target);

/// <summary>A limit that a figure has to keep.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="IsUpper">Whether the figure must not be above the limit; otherwise it must not be below.</param>
public sealed record Target(double Limit, bool IsUpper)
{
    /// <summary>Makes a lower limit.</summary>
    public static Target AtLeast(double limit) => new(limit, IsUpper: false);

    /// <summary>Makes an upper limit.</summary>
    public static Target AtMost(double limit) => new(limit, IsUpper: true);

    /// <summary>Whether a value keeps the limit.</summary>
    public bool IsMetBy(double value) => IsUpper ? value <= Limit : value >= Limit;
}
