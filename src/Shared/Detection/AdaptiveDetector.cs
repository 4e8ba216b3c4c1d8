using static FinanceIngest.Detection.SpecialFunctions;

namespace FinanceIngest.Detection;

/// <summary>
/// The detector that learns: how unusual an amount is for this user in this category, given what he and everybody spent before. A pure function of the
/// transaction and of what is known when it is scored; what it learns is a <see cref="Contribution"/>, which the caller adds to the states and keeps.
/// </summary>
/// <remarks>
/// <para>The amount is foreseen on two scales, plain and logarithmic, whose mixture gives its density and its tails. Remembered amounts add to it.
/// Against this stands the density of a bad amount: several times the usual one, or large for anybody. The ratio of the two, with the probability
/// that an episode of
/// misuse is going on, gives the odds. docs/detection.md has the formulas.</para>
/// <para>What a suspicious row teaches is limited in weight and in distance, so that what should be found does not become usual.</para>
/// </remarks>
/// <param name="settings">Constants.</param>
internal sealed class AdaptiveDetector(AdaptiveSettings settings) : IDetector
{
    /// <summary>The name of this detector in settings.</summary>
    public const string Name = "adaptive";

    /// <summary>The name and version that results carry.</summary>
    public const string Version = "adaptive/1";

    // The least amount that has a logarithm here: a hundredth.
    private const double LeastAmount = 0.01;
    private const double Tiny = 1e-300;
    private const double LogTen = 2.302585092994046;

    private readonly double _episodeBase = Logit(settings.EpisodeBase);
    private readonly double _episodeMost = Logit(settings.EpisodeMost);
    private readonly double _logDriftShare = Math.Log(settings.DriftShare);
    private readonly double _logSteadyShare = Math.Log(1 - settings.DriftShare);
    private readonly double _logLargeShare = Math.Log(settings.LargeShare);
    private readonly double _logOwnShare = Math.Log(1 - settings.LargeShare);
    private readonly double _logAbsurdShare = Math.Log(settings.AbsurdShare);

    /// <inheritdoc/>
    public string NameAndVersion => Version;

    /// <inheritdoc/>
    public Judgement Score(in Sighting sighting, in Knowledge known) => Score(sighting, known.Key, known.User, known.Prior);

    /// <summary>Scores one transaction.</summary>
    /// <param name="sighting">The transaction.</param>
    /// <param name="key">What is known of the user's amounts of this sign in the category.</param>
    /// <param name="user">What is known of the user over all categories.</param>
    /// <param name="prior">What is known of everybody in the category.</param>
    public Judgement Score(in Sighting sighting, in KeyState key, in UserState user, CategoryPrior prior)
    {
        DateTime now = sighting.OccurredAt;
        double size = Math.Max(Math.Abs(sighting.Amount), LeastAmount);
        double logSize = Math.Log(size);
        double season = prior.OffsetOf(now);
        double log = logSize - season;
        double amount = Math.Exp(log);

        Moments known = Moments.Of(key, now, settings.MostRows);
        double level = prior.Known.Level + ElsewhereAbove(user, key, now, prior);
        var plain = Predictive.OfAmounts(amount, log, known, level, prior, settings);
        var logs = Predictive.OfLogs(log, known, level, prior, settings);
        double share = prior.PlainWeight;
        double logDensity = LogSum(prior.LogPlainWeight + plain.LogDensity, prior.LogOtherWeight + logs.LogDensity);
        double upper = (share * plain.Upper) + ((1 - share) * logs.Upper);
        double lower = (share * plain.Lower) + ((1 - share) * logs.Lower);
        double usualLog = (share * Math.Log(Math.Max(plain.Location, LeastAmount))) + ((1 - share) * logs.Location);
        double outside = Math.Min(upper, lower);
        logDensity = WithDrift(logDensity, log - usualLog, logs.Scale);

        Memory memory = Recall(key, logSize, Days.Of(now), settings);
        double repeats = !memory.IsAny ? 0 : Math.Min(
            ((settings.RememberedShare * settings.RememberedRows) + key.Repeats) / (settings.RememberedRows + key.Rows), 0.9);
        double expected = repeats * memory.Share;
        logDensity = LogSum(Math.Log(1 - repeats) + logDensity, Math.Log((expected / (2 * settings.RememberedWidth)) + Tiny));

        // What is as high includes standing amounts that are higher. Whether it is unusual does not depend on these.
        double surprise = Math.Min(((1 - repeats) * upper) + (repeats * memory.Higher), 1);
        double surpriseBelow = Math.Min(((1 - repeats) * lower) + (repeats * memory.Lower), 1);
        upper = Math.Min(((1 - repeats) * upper) + expected, 1);
        byte bucket = CalibrationTable.BucketOf(key.Rows);

        if (log > usualLog)
        {
            // How often rows were as unusual as the detector says is half believed: whole, a change of everybody's prices would hide for long.
            double said = -Math.Log10(Math.Max(upper, Tiny));
            logDensity += settings.CalibratedShare * LogTen * (said - prior.Calibration.LevelOf(said, bucket));
        }

        double everybody = (log - prior.Known.Everybody) / prior.Known.EverybodyDeviation;
        double rarity = prior.Tail.RarityOf(everybody);
        double ratio = Math.Clamp(BadLogDensity(log, usualLog, known.Rows, prior) - logDensity, -30, 60);
        double absurd = AbsurdLogDensity(log - usualLog) - logDensity;
        double strange = Math.Exp(log < usualLog ? 0 : Math.Clamp(absurd, 0, 60));
        ratio = LogSum(ratio, Math.Min(absurd, settings.AbsurdMost));
        ratio = Math.Exp(log < usualLog ? Math.Min(ratio, 0) : ratio);
        double episodeBefore = Math.Clamp(_episodeBase + user.Evidence(now), _episodeBase + settings.EpisodeLeast, _episodeMost);
        double episode = Logistic(episodeBefore);
        double lifted = episode * (settings.EpisodePower == 1 ? 1 - upper : Math.Pow(1 - upper, settings.EpisodePower));
        double bad = (((1 - lifted) * settings.LoneShare) + (lifted * settings.EpisodeShare)) * ratio;
        double good = ((1 - lifted) * (1 - settings.LoneShare)) + (lifted * (1 - settings.EpisodeShare));
        double suspicion = bad / (bad + good);
        double atRisk = (settings.SizeGain * Math.Clamp(everybody, 0, settings.SizeMost))
            + (settings.TailGain * Math.Clamp(rarity - settings.TailFrom, 0, settings.TailMost));

        // An amount that was paid before is no more at risk for being large.
        double odds = Math.Log(bad) - Math.Log(good) + (memory.Share > 0 ? 0 : atRisk);

        // What is absurd teaches little as well, whether it is bad or not.
        double ordinary = Math.Min(1 - suspicion, (1 - settings.LoneShare) / (1 - settings.LoneShare + (settings.LoneShare * strange)));
        double weight = Math.Max(ordinary, known.Rows < 0.01 ? Math.Max(settings.LeastWeight, 0.5) : settings.LeastWeight);
        Contribution contribution = memory.Take(key, logSize, now, outside < settings.RememberedBelow) with
        {
            Weight = (float)weight,
            Amount = Math.Clamp(amount, plain.Location - (settings.FarthestPull * plain.Scale), plain.Location + (settings.FarthestPull * plain.Scale)),
            Log = (float)Math.Clamp(log, logs.Location - (settings.FarthestPull * logs.Scale), logs.Location + (settings.FarthestPull * logs.Scale)),
            Evidence = (float)EvidenceForPlain(plain, logs, log, usualLog, prior),
            Episode = (float)(EpisodeAfter(episodeBefore, ratio) - episodeBefore),
            EpisodeBefore = (float)episodeBefore,
            Residual = (float)Math.Clamp(log - prior.Known.Level, -3, 3),
            Seasonal = (float)Math.Clamp(logSize - usualLog, -2, 2),
            IsRepeat = memory.Share > 0,
            PriorVersion = prior.Known.Version,
            SurpriseBin = CalibrationTable.BinOf(surprise),
            CountBucket = bucket,
            OddsBin = OddsTable.BinOf(odds, upper < AlertThresholds.MostUnusual),
        };
        double factor = Math.Exp(season);
        return new Judgement
        {
            Odds = odds,
            Surprise = prior.Calibration.Of(surprise, bucket),
            SurpriseBelow = surpriseBelow,
            Unusual = upper,
            Suspicion = suspicion,
            ZScore = plain.Deviations,
            Mean = plain.Location * factor,
            Deviation = plain.Scale * factor,
            Usual = UsualOf(plain, logs, share, factor, key.Rows),
            IsKnown = key.Rows > 0 || prior.Known.Version > 0,
            Episode = episode,
            Size = everybody,
            Rarity = prior.Known.Users < PriorRenewal.UsersForTail ? 0 : rarity,
            UsualLog = usualLog + season,
            RemembersDay = memory.Share > 0 ? memory.Day : null,
            Season = season,
            Contribution = contribution,
        };
    }

    /// <summary>Returns the place that an amount takes among the remembered ones, or none, because its place is full.</summary>
    public static Contribution PlaceFor(in KeyState key, double amount, DateTime occurredAt, AdaptiveSettings settings)
    {
        double log = Math.Log(Math.Max(Math.Abs(amount), LeastAmount));
        return Recall(key, log, Days.Of(occurredAt), settings).Take(key, log, occurredAt, isOutside: true);
    }

    // The normal deviate below which nine in ten lie.
    private const double NormalNinth = 1.2815515655446004;

    // How far a user's amounts in his other categories lie above what these expect.
    private static double ElsewhereAbove(in UserState user, in KeyState key, DateTime now, CategoryPrior prior)
    {
        double fade = Fading.Weight(now);
        double rows = (user.Weight.High - key.Weight.High) / fade;
        if (!(rows > 0.5))
        {
            return 0;
        }

        double above = (user.Residuals.High - (key.Logs.High - (key.Weight.High * prior.Known.Level))) / fade;
        return Math.Clamp(above / (rows + 3), -2, 2);
    }

    private static Usual UsualOf(in Predictive plain, in Predictive logs, double share, double factor, int rows)
    {
        double apart = plain.ApartAt(NormalNinth), logApart = logs.ApartAt(NormalNinth), rest = 1 - share;
        return new Usual(
            Math.Max((share * (plain.Location - apart)) + (rest * Amount(logs.Location - logApart)), 0) * factor,
            ((share * plain.Location) + (rest * Amount(logs.Location))) * factor,
            ((share * (plain.Location + apart)) + (rest * Amount(logs.Location + logApart))) * factor,
            rows);

        static double Amount(double log) => Math.Exp(Math.Min(log, 700));
    }

    private double BadLogDensity(double log, double usualLog, double rows, CategoryPrior prior)
    {
        double variance = (settings.BadSpread * settings.BadSpread) + (rows < 1 ? 1 : 0.3 / rows);
        double above = log - usualLog - settings.BadFactor;
        double ofUser = (-0.5 * above * above / variance) - (0.5 * Math.Log(variance)) - HalfLogTwoPi;
        double large = ((log - prior.Known.Everybody) / prior.Known.EverybodyDeviation) - settings.LargeCentre;
        double ofAnybody = (-0.5 * large * large) - prior.LogEverybodyDeviation - HalfLogTwoPi;
        return LogSum(_logOwnShare + ofUser, _logLargeShare + ofAnybody);
    }

    // A normal density below its centre and one like Cauchy's above it: no amount is so high that it would be a better ordinary one, whose own tail is a power
    // of its logarithm at least.
    private double AbsurdLogDensity(double aboveUsual)
    {
        double above = aboveUsual - settings.BadFactor - settings.AbsurdFrom;
        return (above < 0 ? -0.5 * above * above : -Math.Log(1 + (above * above))) - HalfLogTwoPi + _logAbsurdShare;
    }

    // Of the ordinary amounts a few have another level than before.
    private double WithDrift(double logDensity, double aboveUsual, double scale)
    {
        double variance = (settings.DriftSpread * settings.DriftSpread) + (scale * scale);
        double ofDrift = (-0.5 * aboveUsual * aboveUsual / variance) - (0.5 * Math.Log(variance)) - HalfLogTwoPi;
        return LogSum(_logSteadyShare + logDensity, _logDriftShare + ofDrift);
    }

    // Bayes' rule for an episode: a row is bad with one probability in it and with another outside of it.
    private double EpisodeAfter(double before, double ratio)
    {
        double after = before
            + Math.Log(1 - settings.EpisodeShare + (settings.EpisodeShare * ratio)) - Math.Log(1 - settings.LoneShare + (settings.LoneShare * ratio));
        return Math.Clamp(after, _episodeBase + settings.EpisodeLeast, _episodeMost);
    }

    // Only the upper half matters to alerts: the density where the amount is above the usual one, the mass below that where it is not (censored likelihood
    // score, Diks, Panchenko and van Dijk 2011).
    private static double EvidenceForPlain(in Predictive plain, in Predictive logs, double log, double usualLog, CategoryPrior prior)
    {
        double ofPlain = log > usualLog ? plain.LogDensity : plain.LogBelow(Math.Exp(usualLog));
        double ofLogs = log > usualLog ? logs.LogDensity : logs.LogBelow(usualLog);
        double ofBoth = LogSum(prior.LogPlainWeight + ofPlain, prior.LogOtherWeight + ofLogs);
        return Math.Clamp(ofPlain - ofBoth, -1, 1) - Math.Clamp(ofLogs - ofBoth, -1, 1);
    }

    private static Memory Recall(in KeyState key, double log, int day, AdaptiveSettings settings)
    {
        double match = 0, higher = 0, lower = 0, all = 0, weakest = double.PositiveInfinity;
        int at = -1, free = 0;
        for (int i = 0; i < RememberedAmounts.Length; i++)
        {
            RememberedAmount slot = key.Remembered[i];
            double weight = slot.Count == 0 ? 0 : Math.Min((int)slot.Count, 20) * Math.Exp(-Math.Max(day - slot.MeanDay, 0) / settings.RememberedFor);
            if (weight < weakest)
            {
                (weakest, free) = (weight, i);
            }

            if (slot.Count == 0)
            {
                continue;
            }

            bool near = Math.Abs(slot.Log - log) < settings.RememberedWidth;
            bool old = day - slot.MeanDay >= settings.RememberedAge;
            at = near ? i : at;
            all += old ? weight : 0;
            match += near && old ? weight : 0;
            higher += old && (near || slot.Log > log) ? weight : 0;
            lower += old && (near || slot.Log < log) ? weight : 0;
        }

        return new Memory(
            match > 0 ? match / Math.Max(all, 1) : 0, at, free, at < 0 ? 0 : (int)key.Remembered[at].MeanDay, all > 0,
            higher / Math.Max(all, Tiny), lower / Math.Max(all, Tiny));
    }

    /// <summary>What the remembered amounts say of an amount.</summary>
    /// <param name="Share">Its share among them; 0: it is none of them, or too new a one.</param>
    /// <param name="At">Its place; −1: none.</param>
    /// <param name="Free">The place that a new one takes: that of the weakest.</param>
    /// <param name="Day">Mean day of its rows.</param>
    /// <param name="IsAny">Whether any remembered amount is old enough to vouch.</param>
    /// <param name="Higher">Share of these that are as high or higher.</param>
    /// <param name="Lower">Share of these that are as low or lower.</param>
    private readonly record struct Memory(double Share, int At, int Free, int Day, bool IsAny, double Higher, double Lower)
    {
        /// <summary>Returns the place that the row takes, or none.</summary>
        public Contribution Take(in KeyState key, double log, DateTime now, bool isOutside)
        {
            if (At >= 0)
            {
                RememberedAmount slot = key.Remembered[At];
                return slot.Count >= RememberedAmount.MostRows
                    ? default
                    : new Contribution { Slot = (byte)(At + 1), Generation = slot.Generation, SlotFirstDay = slot.FirstDay, SlotLog = slot.Log };
            }

            ushort generation = key.Remembered[Free].Generation;
            return !isOutside || generation == ushort.MaxValue
                ? default
                : new Contribution { Slot = (byte)(Free + 1), Generation = (ushort)(generation + 1), SlotFirstDay = Days.Of(now), SlotLog = (float)log };
        }
    }
}
