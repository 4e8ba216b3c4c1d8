using System.Diagnostics.CodeAnalysis;
using FinanceIngest.Commands;
using FinanceIngest.Detection;

namespace FinanceIngest.Results;

/// <summary>Selects rows by what was said of them: <c>expected</c>, <c>unexpected</c>, <c>given</c> for either, or <c>none</c>.</summary>
/// <param name="IsGiven">Whether a verdict is wanted; false: rows without one.</param>
/// <param name="Verdict">The verdict; null: either.</param>
internal sealed record VerdictFilter(bool IsGiven, FeedbackVerdict? Verdict)
{
    private const string Given = "given";

    /// <summary>The words, in the order in which they are told.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. CommandNames.Verdicts, Given, CommandNames.None];

    /// <summary>The verdict as rows have it; null where it is not compared.</summary>
    public string? Value => Verdict is { } verdict ? CommandNames.Of(verdict) : null;

    /// <summary>Reads one of <see cref="Names"/>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out VerdictFilter? filter)
    {
        filter = Names.Contains(text) ? new VerdictFilter(text != CommandNames.None, CommandNames.ToVerdict(text)) : null;
        return filter is not null;
    }

    /// <summary>The condition of a statement.</summary>
    /// <param name="column">The column.</param>
    /// <param name="parameter">The parameter that has <see cref="Value"/>.</param>
    public string Sql(string column, string parameter) =>
        Verdict is not null ? $"{column} = {parameter}" : IsGiven ? $"{column} IS NOT NULL" : $"{column} IS NULL";
}
