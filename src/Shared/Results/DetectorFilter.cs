using System.Diagnostics.CodeAnalysis;
using FinanceIngest.Configuration;

namespace FinanceIngest.Results;

/// <summary>
/// Selects rows by the detector that decided about them: <c>zscore</c>, <c>adaptive</c> in every version, or one version such as <c>adaptive/1</c>.
/// </summary>
internal sealed record DetectorFilter
{
    private DetectorFilter(string? name, string? pattern)
    {
        Name = name;
        Pattern = pattern;
    }

    /// <summary>Name and version as rows have them; null: no row names it.</summary>
    public string? Name { get; }

    /// <summary>The pattern of LIKE for every version of a detector; null: not asked for.</summary>
    public string? Pattern { get; }

    /// <summary>Whether rows are wanted that name no detector, which are those of <c>zscore</c>: only detectors that learn are named.</summary>
    public bool IsUnnamed => Name is null && Pattern is null;

    /// <summary>What is compared with the column; null where nothing is.</summary>
    public string? Value => Name ?? Pattern;

    /// <summary>Reads the name of a detector, with or without a version.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DetectorFilter? filter)
    {
        string[] parts = text.Split('/');
        bool isVersion = parts.Length == 2 && parts[1].Length is > 0 and <= 9 && parts[1].All(char.IsAsciiDigit) && parts[1][0] != '0';
        filter = text == DetectorNames.ZScore ? new DetectorFilter(null, null)
            : !DetectorNames.All.Contains(parts[0]) || parts[0] == DetectorNames.ZScore ? null
            : parts.Length == 1 ? new DetectorFilter(null, $"{text}/%")
            : isVersion ? new DetectorFilter(text, null)
            : null;
        return filter is not null;
    }

    /// <summary>The condition of a statement.</summary>
    /// <param name="column">The column.</param>
    /// <param name="parameter">The parameter that has <see cref="Value"/>.</param>
    public string Sql(string column, string parameter) =>
        IsUnnamed ? $"{column} IS NULL" : Pattern is null ? $"{column} = {parameter}" : $"{column} LIKE {parameter}";
}
