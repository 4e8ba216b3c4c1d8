using FinanceIngest.Baselines;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>The formats of files of baselines.</summary>
public enum BaselineFileFormat
{
    /// <summary>A header line with <c>user_id,category_id,mean,std_dev,sample_count</c> in any order, then one baseline per line.</summary>
    Csv,

    /// <summary><c>{user: {category: {"mean","std","count"}}}</c>, or an array of objects whose members are named as the columns of the CSV.</summary>
    Json,

    /// <summary>The older system's <c>anomaly_stats.pkl</c>: a Python pickle of the same nested structure.</summary>
    Pickle,
}

/// <summary>The content of a file of baselines.</summary>
/// <param name="Rows">The valid baselines in the file's order, one for each key.</param>
/// <param name="Refused">The entries that are not valid baselines, in the file's order; of very many the first 10,000.</param>
/// <param name="Duplicates">
/// The baselines that replaced an earlier one with the same key in <paramref name="Rows"/>; of very many the first 10,000.
/// </param>
public sealed record BaselineFileContent(
    IReadOnlyList<BaselineRow> Rows, IReadOnlyList<RefusedBaseline> Refused, IReadOnlyList<DuplicateBaseline> Duplicates)
{
    /// <summary>The number of entries that are not valid baselines.</summary>
    public int RefusedCount { get; init; }

    /// <summary>The number of baselines that replaced an earlier one.</summary>
    public int DuplicateCount { get; init; }
}

/// <summary>An entry that is not a valid baseline.</summary>
/// <param name="Place">
/// The line of a CSV (<c>line 17</c>), the line and path in JSON (<c>line 1 ["399"]["2310"]</c>), or the path in a pickle (<c>[399][2310]</c>).
/// </param>
/// <param name="Errors">The errors by field.</param>
public sealed record RefusedBaseline(string Place, ValidationErrors Errors)
{
    /// <summary>The errors on one line.</summary>
    public string Reason => string.Join("; ", Errors.Messages.Select(error =>
        $"{(error.Key == ValidationErrors.Whole ? "the entry" : error.Key)} {string.Join(", ", error.Value)}"));

    /// <summary>Place and reason on one line.</summary>
    public override string ToString() => $"{Place}: {Reason}";
}

/// <summary>A baseline that replaced an earlier one with the same key in the same file.</summary>
/// <param name="Key">The key of both baselines.</param>
/// <param name="Place">The place of the baseline that is imported.</param>
/// <param name="ReplacedPlace">The place of the earlier baseline, which is ignored.</param>
public sealed record DuplicateBaseline(BaselineKey Key, string Place, string ReplacedPlace)
{
    /// <summary>The warning on one line.</summary>
    public override string ToString() =>
        $"{Place}: replaces {ReplacedPlace} (user {Key.UserId}, category {Key.CategoryId}): the last one of a key counts";
}
