using FinanceIngest.Detection;
using FinanceIngest.Learning;

namespace FinanceIngest.Storage;

/// <summary>A row of <c>detection_categories</c>.</summary>
/// <param name="Category">The category; number 0: every other one.</param>
/// <param name="Prior">The encoded prior.</param>
/// <param name="Verdicts">The encoded table of verdicts; null: there are none.</param>
internal sealed record ModelRow(CategoryKey Category, byte[] Prior, byte[]? Verdicts);

/// <summary>Turns models into rows and back.</summary>
internal static class ModelRows
{
    private const long EveryOther = 0;

    /// <summary>The rows of a model.</summary>
    public static IReadOnlyList<ModelRow> Of(DetectionModel model)
    {
        List<ModelRow> rows = [new(new CategoryKey(EveryOther, false), Bytes(model.Others), null)];
        rows.AddRange(model.Priors.OrderBy(static pair => (pair.Key.CategoryId, pair.Key.IsRefund)).Select(pair => new ModelRow(
            pair.Key, Bytes(pair.Value), model.Verdicts.TryGetValue(pair.Key, out VerdictTable? table) ? table.ToBytes() : null)));
        return rows;
    }

    /// <summary>The model of rows.</summary>
    /// <param name="head">What is not in the rows.</param>
    /// <param name="rows">The rows.</param>
    /// <exception cref="FormatException">The rows are of a version that this program does not know.</exception>
    public static DetectionModel Compose(DetectionModel head, IReadOnlyCollection<ModelRow> rows)
    {
        var priors = new Dictionary<CategoryKey, CategoryPrior>();
        var verdicts = new Dictionary<CategoryKey, VerdictTable>();
        CategoryPrior others = CategoryPrior.Unknown;
        foreach (ModelRow row in rows)
        {
            var prior = CategoryPrior.Read(row.Prior);
            if (row.Category.CategoryId == EveryOther)
            {
                others = prior;
                continue;
            }

            priors.Add(row.Category, prior);
            if (row.Verdicts is { } bytes)
            {
                verdicts.Add(row.Category, VerdictTable.Read(bytes));
            }
        }

        return new DetectionModel
        {
            Version = head.Version,
            Began = head.Began,
            MadeAt = head.MadeAt,
            Thresholds = head.Thresholds,
            Priors = priors,
            Others = others,
            Verdicts = verdicts,
        };
    }

    private static byte[] Bytes(CategoryPrior prior)
    {
        byte[] bytes = new byte[CategoryPrior.Size];
        prior.Write(bytes);
        return bytes;
    }
}
