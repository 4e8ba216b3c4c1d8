namespace FinanceIngest.Detection;

/// <summary>
/// Makes the priors of all categories from the states of all users, in one pass: states are added one by one, in any order. The priors know nothing that is
/// not in a state or in the season's sums, so that who is erased is forgotten at the next renewal.
/// </summary>
/// <param name="now">The time as of which the states are read, UTC.</param>
/// <param name="version">Number of this renewal, ≥ 1.</param>
/// <param name="settings">Constants.</param>
internal sealed class PriorRenewal(DateTime now, int version, AdaptiveSettings settings)
{
    // A state tells about spread from this many rows' worth on, and about the level from one.
    private const double RowsForSpread = 4;

    /// <summary>Fewer users are not everybody: of their amounts together no tail is known.</summary>
    public const int UsersForTail = 5;

    // A category with fewer rows is calibrated by those of all categories.
    private const long RowsForCalibration = 300;

    private readonly Dictionary<CategoryKey, Sums> _categories = [];
    private readonly Sums _all = new();

    /// <summary>Adds the state of a user in a category.</summary>
    public void Add(CategoryKey category, in KeyState state)
    {
        Moments known = Moments.Of(state, now, settings.MostRows);
        if (!_categories.TryGetValue(category, out Sums? sums))
        {
            _categories.Add(category, sums = new Sums());
        }

        sums.Add(known, settings);
        _all.Add(known, settings);
    }

    /// <summary>Returns the prior of each category that has a state, and, without a category, the one for all others.</summary>
    /// <param name="season">Sums of the categories' weekdays and months.</param>
    /// <param name="surprises">Counts of the categories' surprises; null: nothing is known of them.</param>
    public (Dictionary<CategoryKey, CategoryPrior> Categories, CategoryPrior Others) Finish(
        IReadOnlyDictionary<CategoryKey, SeasonSums> season, IReadOnlyDictionary<CategoryKey, CalibrationTable>? surprises = null)
    {
        var all = new CalibrationTable();
        foreach (CalibrationTable table in surprises?.Values ?? [])
        {
            all.Add(table);
        }

        var ofAll = SurpriseCalibration.Of(all);
        Dictionary<CategoryKey, CategoryPrior> priors = new(_categories.Count);
        foreach ((CategoryKey category, Sums sums) in _categories)
        {
            CalibrationTable? own = surprises?.GetValueOrDefault(category);
            SurpriseCalibration calibration = own is null || own.Rows < RowsForCalibration ? ofAll : SurpriseCalibration.Of(own);
            priors.Add(category, Make(sums, season.GetValueOrDefault(category), calibration));
        }

        return (priors, Make(new Sums(), null, ofAll));
    }

    private CategoryPrior Make(Sums sums, SeasonSums? season, SurpriseCalibration calibration)
    {
        CategoryPrior.Figures unknown = CategoryPrior.Unknown.Known;
        (double allLevel, double allVariance) = _all.Level.Users > 0 ? _all.Level.MeanAndVariance() : (unknown.Level, unknown.LevelVariance);
        allVariance = _all.Level.Users > 5 ? Math.Max(allVariance, 0.2) : unknown.LevelVariance;
        (double level, double variance) = sums.Level.Users > 0 ? sums.Level.MeanAndVariance() : (allLevel, allVariance);
        double trust = sums.Level.Users / (sums.Level.Users + 3.0);
        level = (trust * level) + ((1 - trust) * allLevel);
        variance = Math.Max((trust * variance) + ((1 - trust) * (allVariance + unknown.LevelVariance) / 2), 0.05);
        (double plainSpread, double plainStrength) = Blend(sums.Plain, _all.Plain, unknown.PlainSpread, unknown.PlainStrength);
        (double logSpread, double logStrength) = Blend(sums.Logs, _all.Logs, unknown.LogSpread, unknown.LogStrength);
        (double everybody, double deviation) = sums.Everybody(level, variance);
        Sums evidence = sums.Plain.Users > 0 ? sums : _all;
        var figures = new CategoryPrior.Figures(
            version, sums.Level.Users, level, variance, plainSpread, plainStrength, logSpread, logStrength,
            4 * evidence.Evidence / Math.Max(evidence.Plain.Users, 1), everybody, deviation);
        AmountTail? tail = sums.Level.Users < UsersForTail ? null : sums.Tail(figures);
        return new CategoryPrior(figures, season is null ? default : season.Offsets(), tail, calibration);
    }

    private static (double Spread, double Strength) Blend(in Spreads own, in Spreads all, double spread, double strength)
    {
        (double allSpread, double allStrength) = all.Typical(Math.Log(spread), strength);
        (double ownSpread, double ownStrength) = own.Typical(Math.Log(spread), strength);
        double trust = own.Users / (own.Users + 5.0);
        return (
            Math.Exp((trust * ownSpread) + ((1 - trust) * allSpread)),
            Math.Exp((trust * Math.Log(ownStrength)) + ((1 - trust) * Math.Log(allStrength))));
    }

    /// <summary>Users' means of log amounts, weighted by up to 20 rows each.</summary>
    private struct LevelSums
    {
        private const double MostRows = 20;
        private double _weight, _sum, _squares;

        public int Users { get; private set; }

        public void Add(in Moments known)
        {
            double weight = Math.Min(known.Rows, MostRows);
            Users++;
            _weight += weight;
            _sum += weight * known.LogMean;
            _squares += weight * known.LogMean * known.LogMean;
        }

        public readonly (double Mean, double Variance) MeanAndVariance()
        {
            double mean = _sum / _weight;
            return (mean, Math.Max((_squares / _weight) - (mean * mean), 0));
        }
    }

    /// <summary>
    /// Log variances of users. Beyond what sampling explains, trigamma((n − 1) / 2), their variance says how alike users are: the strength of the prior
    /// (Smyth 2004, Linear models and empirical Bayes methods).
    /// </summary>
    private struct Spreads
    {
        private const double MostRows = 30;
        private double _weight, _sum, _squares, _sampling;

        public int Users { get; private set; }

        public void Add(double variance, double rows)
        {
            double weight = Math.Min(rows, MostRows);
            double freedom = Math.Max(rows - 1, 1);
            double log = Math.Log(variance) + (1 / freedom);
            Users++;
            _weight += weight;
            _sum += weight * log;
            _squares += weight * log * log;
            _sampling += weight * SpecialFunctions.Trigamma(freedom / 2);
        }

        public readonly (double LogSpread, double Strength) Typical(double logSpread, double strength)
        {
            const int fewest = 3;
            if (Users < fewest)
            {
                return (logSpread, strength);
            }

            double mean = _sum / _weight;
            double excess = Math.Max((_squares / _weight) - (mean * mean) - (_sampling / _weight), 1e-3);
            return (mean, 2 * SpecialFunctions.InverseTrigamma(excess, 1, 20));
        }
    }

    private sealed class Sums
    {
        private const double LeastVariance = 4e-4;

        // Rows after which the mean evidence of a user counts in full.
        private const double EvidenceRows = 50;

        private double _rows, _logs, _logSquares, _within;
        private int _passed, _every = 1;

        public LevelSums Level;
        public Spreads Plain;
        public Spreads Logs;

        public double Evidence { get; private set; }

        private readonly List<Moments> _members = [];

        public void Add(in Moments known, AdaptiveSettings settings)
        {
            if (known.Rows < 0.5)
            {
                return;
            }

            Level.Add(known);
            Keep(known);
            _rows += known.Rows;
            _logs += known.Rows * known.LogMean;
            _logSquares += known.Rows * known.LogMean * known.LogMean;
            _within += known.LogSquares;
            if (known.Rows < RowsForSpread)
            {
                return;
            }

            double freedom = known.Rows - 1;
            double least = settings.LeastVariation * settings.LeastVariation;
            Plain.Add(Math.Max(known.Squares / freedom / Math.Max(known.Mean * known.Mean, 1e-12), least), known.Rows);
            Logs.Add(Math.Max(known.LogSquares / freedom, LeastVariance), known.Rows);
            Evidence += known.Evidence * EvidenceRows * (1 - Math.Exp(-known.Rows / EvidenceRows));
        }

        /// <summary>Returns how rare amounts are for anybody: the mixture of what the states say of each user.</summary>
        /// <param name="prior">The category, whose mean and deviation of log amounts are the table's unit.</param>
        public AmountTail Tail(CategoryPrior.Figures prior)
        {
            double share = SpecialFunctions.Logistic(prior.Evidence), rows = 0;
            var members = new Member[_members.Count];
            for (int i = 0; i < members.Length; i++)
            {
                Moments known = _members[i];
                double beyondFirst = Math.Max(known.Rows - 1, 0);
                double square = Math.Max(known.Mean * known.Mean, 1e-9);
                double spread = ((prior.PlainStrength * prior.PlainSpread) + (known.Squares / square)) / (prior.PlainStrength + beyondFirst);
                double logSpread = ((prior.LogStrength * prior.LogSpread) + known.LogSquares) / (prior.LogStrength + beyondFirst);
                members[i] = new Member(known.Rows, known.Mean, Math.Sqrt(square * spread), known.LogMean, Math.Sqrt(logSpread));
                rows += known.Rows;
            }

            return AmountTail.Of(size =>
            {
                double amount = Math.Exp(prior.Everybody + (size * prior.EverybodyDeviation)), log = Math.Log(amount), sum = 0;
                foreach (ref readonly Member one in members.AsSpan())
                {
                    sum += one.Rows
                        * ((share * SpecialFunctions.NormalUpperTail((amount - one.Mean) / one.Deviation))
                            + ((1 - share) * SpecialFunctions.NormalUpperTail((log - one.LogMean) / one.LogDeviation)));
                }

                return sum / rows;
            });
        }

        private readonly record struct Member(double Rows, double Mean, double Deviation, double LogMean, double LogDeviation);

        // The tail needs no more users than this, every second, fourth … of which is kept when there are more.
        private void Keep(in Moments known)
        {
            const int most = 4096;
            if (_passed++ % _every != 0)
            {
                return;
            }

            _members.Add(known);
            if (_members.Count == most)
            {
                int at = 0;
                _members.RemoveAll(_ => at++ % 2 == 1);
                _every *= 2;
            }
        }

        public (double Mean, double Deviation) Everybody(double level, double variance)
        {
            const double enough = 20, leastVariance = 0.25;
            if (_rows <= enough)
            {
                return (level, Math.Sqrt(variance + 0.6));
            }

            double mean = _logs / _rows;
            double between = Math.Max((_logSquares / _rows) - (mean * mean), 0);
            return (mean, Math.Sqrt(Math.Max(between + (_within / Math.Max(_rows - Level.Users, 1)), leastVariance)));
        }
    }
}
