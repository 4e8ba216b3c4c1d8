using FinanceIngest.Baselines;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>The formats in which baselines are kept in files.</summary>
public enum BaselineFileFormat
{
    /// <summary>A header line with <c>user_id,category_id,mean,std_dev,sample_count</c> in any order, then one baseline a line.</summary>
    Csv,

    /// <summary><c>{user: {category: {"mean","std","count"}}}</c>, or an array of objects with the names of the CSV's columns.</summary>
    Json,

    /// <summary>The older system's <c>anomaly_stats.pkl</c>: a Python pickle of the same nested structure.</summary>
    Pickle,
}

/// <summary>What a file of baselines holds. Rows, refused and duplicates together are every baseline that was met.</summary>
/// <param name="Rows">Valid baselines in the file's order, one for each key.</param>
/// <param name="Refused">What is not a valid baseline, in the file's order.</param>
/// <param name="Duplicates">Baselines that stand in <paramref name="Rows"/> instead of an earlier one with the same key.</param>
public sealed record BaselineFileContent(
    IReadOnlyList<BaselineRow> Rows, IReadOnlyList<RefusedBaseline> Refused, IReadOnlyList<DuplicateBaseline> Duplicates);

/// <summary>An entry that is not a valid baseline.</summary>
/// <param name="Place">A line of a CSV (<c>line 17</c>), line and path in JSON (<c>line 1 ["399"]["2310"]</c>), a path in a pickle (<c>[399][2310]</c>).</param>
/// <param name="Errors">Field → messages.</param>
public sealed record RefusedBaseline(string Place, ValidationErrors Errors)
{
    /// <summary>The errors on one line.</summary>
    public string Reason => string.Join("; ", Errors.Messages.Select(error =>
        $"{(error.Key == ValidationErrors.Whole ? "the entry" : error.Key)} {string.Join(", ", error.Value)}"));

    /// <summary>Place and reason on one line.</summary>
    public override string ToString() => $"{Place}: {Reason}";
}

/// <summary>A baseline that took the place of an earlier one with the same key.</summary>
/// <param name="Key">The key that both have.</param>
/// <param name="Place">Where the one is that counts.</param>
/// <param name="ReplacedPlace">Where the one was that does not.</param>
public sealed record DuplicateBaseline(BaselineKey Key, string Place, string ReplacedPlace)
{
    /// <summary>The warning on one line.</summary>
    public override string ToString() =>
        $"{Place}: replaces {ReplacedPlace} (user {Key.UserId}, category {Key.CategoryId}): the last one of a key counts";
}
