using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Ground;

namespace FinanceIngest.Learning;

/// <summary>
/// Makes what is known of all users together anew, from the states and the newest rows. Nothing that is not in them goes in, so that whoever is erased is
/// forgotten by the next renewal.
/// </summary>
/// <param name="store">The states and rows.</param>
/// <param name="settings">The budget of alerts.</param>
internal sealed class ModelRenewal(ILearningStore store, Settings settings)
{
    /// <summary>Rows that a renewal reads at most, the newest ones: more would say no more about weekdays and thresholds.</summary>
    public const long MostRows = 20_000_000;

    private const int PageSize = 10_000;

    /// <summary>Makes the next model and writes it.</summary>
    /// <param name="asOf">The latest time at which a scored transaction occurred, UTC.</param>
    /// <param name="cancellationToken">Ends the reading; then nothing is written.</param>
    /// <returns>The model, and the rows that it was made from; null: another process wrote one meanwhile.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<(DetectionModel Model, long Rows)?> RenewAsync(DateTime asOf, CancellationToken cancellationToken)
    {
        DetectionModel? before = await store.LoadModelAsync(cancellationToken);
        int version = (before?.Version ?? 0) + 1;
        asOf = before is not null && before.MadeAt > asOf ? before.MadeAt : asOf;
        var renewal = new PriorRenewal(asOf, version, AdaptiveSettings.Default);
        for (StateKey? last = null; ;)
        {
            IReadOnlyList<KnownKey> page = await store.ReadStatesAsync(last, PageSize, cancellationToken);
            foreach (KnownKey known in page)
            {
                renewal.Add(known.Key.Category, known.State);
            }

            if (page.Count < PageSize)
            {
                break;
            }

            last = page[^1].Key;
        }

        var seen = new SeenRows(settings.AlertsPerUserMonth, asOf);
        long rows = 0;
        for (long at = long.MaxValue; rows < MostRows;)
        {
            IReadOnlyList<ContributingRow> page = await store.ReadRowsAsync(at, PageSize, cancellationToken);
            foreach (ContributingRow row in page)
            {
                seen.Add(row);
            }

            rows += page.Count;
            if (page.Count < PageSize)
            {
                break;
            }

            at = page[^1].RowId;
        }

        (Dictionary<CategoryKey, CategoryPrior> priors, CategoryPrior others) = renewal.Finish(seen.Seasons, seen.Surprises);
        var model = new DetectionModel
        {
            Version = version,
            Began = before?.Began ?? asOf,
            MadeAt = asOf,
            Priors = priors,
            Others = others,
            Thresholds = seen.ThresholdsOf(asOf),
            Verdicts = seen.Verdicts,
        };
        return await store.SaveModelAsync(model, cancellationToken) ? (model, rows) : null;
    }

    /// <summary>What the rows say, which are added newest first.</summary>
    private sealed class SeenRows(double alertsPerUserMonth, DateTime asOf)
    {
        private readonly ThresholdHistory _history = new(alertsPerUserMonth);
        private int _oldestWeek = int.MaxValue;
        private bool _isEnough;

        public Dictionary<CategoryKey, SeasonSums> Seasons { get; } = [];

        public Dictionary<CategoryKey, CalibrationTable> Surprises { get; } = [];

        public Dictionary<CategoryKey, VerdictTable> Verdicts { get; } = [];

        public void Add(in ContributingRow row)
        {
            if (!Seasons.TryGetValue(row.Key.Category, out SeasonSums? season))
            {
                Seasons.Add(row.Key.Category, season = new SeasonSums());
            }

            season.Apply(row.Contribution, row.OccurredAt);
            if (!Surprises.TryGetValue(row.Key.Category, out CalibrationTable? surprises))
            {
                Surprises.Add(row.Key.Category, surprises = new CalibrationTable());
            }

            surprises.Apply(row.Contribution);
            if (row.Verdict is { } verdict)
            {
                if (!Verdicts.TryGetValue(row.Key.Category, out VerdictTable? table))
                {
                    Verdicts.Add(row.Key.Category, table = new VerdictTable());
                }

                table.Add(row.Amount, verdict, row.Suspicion);
            }

            int week = ThresholdHistory.WeekOf(row.OccurredAt);
            if (week < _oldestWeek)
            {
                // Earlier weeks would keep the users of each in memory, and count for nothing.
                _isEnough |= _oldestWeek != int.MaxValue && _history.IsEnough(asOf);
                _oldestWeek = _isEnough ? _oldestWeek : week;
            }

            if (week >= _oldestWeek)
            {
                _history.Add(row.Contribution.OddsBin, row.Key.UserId, row.OccurredAt);
            }
        }

        public AlertThresholds ThresholdsOf(DateTime now)
        {
            _history.Renew(now);
            return _history.Thresholds;
        }
    }
}
