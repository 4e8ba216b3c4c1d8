namespace FinanceIngest.Cli.Inspection;

/// <summary>How a check came out.</summary>
internal enum Verdict
{
    /// <summary>Nothing is wrong.</summary>
    Fine,

    /// <summary>Something deserves a look; the programs start and run all the same.</summary>
    Warning,

    /// <summary>A program would not start, or would not do its work.</summary>
    Problem,
}

/// <summary>What a check found.</summary>
/// <param name="Check">What was looked at, such as <c>database</c>.</param>
/// <param name="Verdict">How it came out.</param>
/// <param name="Text">What was found.</param>
/// <param name="Advice">What to do about it; null when nothing is to be done.</param>
internal sealed record Finding(string Check, Verdict Verdict, string Text, string? Advice = null)
{
    /// <summary>The verdict's name in the answer.</summary>
    public string VerdictName => Verdict switch
    {
        Verdict.Fine => "ok",
        Verdict.Warning => "warning",
        _ => "problem",
    };
}
