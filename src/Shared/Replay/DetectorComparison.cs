using FinanceIngest.Ground;

namespace FinanceIngest.Replay;

/// <summary>Compares what the detector that decided called anomalies with what the shadow detectors beside it did.</summary>
/// <param name="store">The rows.</param>
public sealed class DetectorComparison(IReplayStore store)
{
    /// <summary>Compares the rows of a period.</summary>
    /// <param name="period">The period.</param>
    /// <param name="userId">The rows of this user; null: of all users.</param>
    /// <param name="differences">How many of the rows on which the detectors differ are kept, the newest ones, ≥ 0.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<ComparisonOutcome> CompareAsync(Period period, long? userId, int differences, CancellationToken cancellationToken)
    {
        Dictionary<(string Live, string Shadow), ComparedPair> pairs = [];
        Queue<DetectorDifference> kept = new();
        long rows = 0, different = 0;
        await foreach (ShadowedRow row in HistoryReader.ReadAsync(store, period, userId, store.ReadShadowedAsync, cancellationToken))
        {
            rows++;
            foreach (ShadowVerdict shadow in row.Verdicts())
            {
                (string, string) names = (row.LiveName, shadow.Name);
                if (!pairs.TryGetValue(names, out ComparedPair? pair))
                {
                    pairs.Add(names, pair = new ComparedPair(row.LiveName, shadow.Name, period.To));
                }

                pair.Add(row.Row, shadow.IsAnomaly);
                if (row.Row.IsAnomaly == shadow.IsAnomaly)
                {
                    continue;
                }

                different++;
                kept.Enqueue(new DetectorDifference(row, shadow));
                if (kept.Count > differences)
                {
                    kept.Dequeue();
                }
            }
        }

        return new ComparisonOutcome(
            rows, [.. pairs.Values.OrderBy(static pair => pair.Live, StringComparer.Ordinal).ThenBy(static pair => pair.Shadow, StringComparer.Ordinal)],
            different, [.. kept.Reverse()]);
    }
}

/// <summary>What a comparison found.</summary>
/// <param name="Rows">Rows that shadow detectors scored too.</param>
/// <param name="Pairs">The detectors that were compared, two and two.</param>
/// <param name="Different">How often two of them differ.</param>
/// <param name="Differences">The newest of these, the newest first.</param>
public sealed record ComparisonOutcome(
    long Rows, IReadOnlyList<ComparedPair> Pairs, long Different, IReadOnlyList<DetectorDifference> Differences);

/// <summary>A row on which the detector that decided and a shadow differ.</summary>
/// <param name="Row">The row, with what the detector said that decided.</param>
/// <param name="Shadow">What the shadow said.</param>
public readonly record struct DetectorDifference(ShadowedRow Row, ShadowVerdict Shadow);
