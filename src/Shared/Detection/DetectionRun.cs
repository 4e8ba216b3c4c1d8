using System.Runtime.InteropServices;

namespace FinanceIngest.Detection;

/// <summary>
/// Scores rows one after another in order of time and learns from each, with all states in memory: what a worker does, batch by batch, over its
/// store. It serves
/// to score a history again, and to measure a detector.
/// </summary>
/// <param name="detector">The detector.</param>
/// <param name="settings">Constants.</param>
/// <param name="alertsPerUserMonth">The budget of alerts.</param>
internal sealed class DetectionRun(IDetector detector, AdaptiveSettings settings, double alertsPerUserMonth)
{
    private readonly Dictionary<(long User, CategoryKey Category), KeyState> _keys = [];
    private readonly Dictionary<long, UserState> _users = [];
    private readonly Dictionary<CategoryKey, SeasonSums> _seasons = [];
    private readonly Dictionary<CategoryKey, CalibrationTable> _surprises = [];
    private readonly ThresholdHistory _history = new(alertsPerUserMonth);
    private readonly Dictionary<CategoryKey, VerdictTable> _verdicts = [];
    private Dictionary<CategoryKey, CategoryPrior> _priors = [];
    private CategoryPrior _others = CategoryPrior.Unknown;
    private DateTime _began;
    private DateTime _nextRenewal;
    private int _version;

    /// <summary>The thresholds that hold now.</summary>
    public AlertThresholds Thresholds => _history.Thresholds;

    /// <summary>What is known of users and categories.</summary>
    public IReadOnlyDictionary<(long User, CategoryKey Category), KeyState> Keys => _keys;

    /// <summary>Scores a row and learns from it.</summary>
    /// <param name="user">The user.</param>
    /// <param name="category">The category.</param>
    /// <param name="sighting">The transaction, not earlier than those before.</param>
    /// <param name="isAnomaly">Whether it is one, with the sensitivity <see cref="AlertLevel.Normal"/>.</param>
    public Judgement Next(long user, long category, in Sighting sighting, out bool isAnomaly)
    {
        RenewIfDue(sighting.OccurredAt);
        var kind = new CategoryKey(category, sighting.IsRefund);
        ref KeyState key = ref CollectionsMarshal.GetValueRefOrAddDefault(_keys, (user, kind), out _);
        ref UserState state = ref CollectionsMarshal.GetValueRefOrAddDefault(_users, user, out _);
        Judgement judgement = detector.Score(sighting, new Knowledge(key, state, _priors.GetValueOrDefault(kind, _others)));
        if (_verdicts.TryGetValue(kind, out VerdictTable? table))
        {
            judgement = judgement.Corrected(table.CorrectionFor(sighting.Amount));
        }

        isAnomaly = _history.Thresholds.IsAnomaly(judgement, AlertLevel.Normal);
        Contribution contribution = judgement.Contribution;
        key.Apply(contribution, sighting.OccurredAt);
        state.Apply(contribution, sighting.OccurredAt);
        if (!_seasons.TryGetValue(kind, out SeasonSums? season))
        {
            _seasons.Add(kind, season = new SeasonSums());
        }

        season.Apply(contribution, sighting.OccurredAt);
        if (!_surprises.TryGetValue(kind, out CalibrationTable? surprises))
        {
            _surprises.Add(kind, surprises = new CalibrationTable());
        }

        surprises.Apply(contribution);
        _history.Add(contribution.OddsBin, user, sighting.OccurredAt);
        return judgement;
    }

    /// <summary>Learns from a verdict on a row: its contribution is taken out, and what it contributes after the verdict is added.</summary>
    /// <returns>What the row contributes from now on.</returns>
    public Contribution Answer(long user, long category, in Sighting sighting, in Judgement judgement, FeedbackVerdict verdict)
    {
        var kind = new CategoryKey(category, sighting.IsRefund);
        ref KeyState key = ref CollectionsMarshal.GetValueRefOrAddDefault(_keys, (user, kind), out _);
        ref UserState state = ref CollectionsMarshal.GetValueRefOrAddDefault(_users, user, out _);
        Contribution before = judgement.Contribution;
        Contribution after = Feedback.After(before, verdict, key, sighting.Amount, sighting.OccurredAt, settings);
        key.Remove(before, sighting.OccurredAt);
        state.Remove(before, sighting.OccurredAt);
        key.Apply(after, sighting.OccurredAt);
        state.Apply(after, sighting.OccurredAt);
        SeasonSums season = _seasons[kind];
        season.Remove(before, sighting.OccurredAt);
        season.Apply(after, sighting.OccurredAt);
        CalibrationTable surprises = _surprises[kind];
        surprises.Remove(before);
        surprises.Apply(after);
        if (!_verdicts.TryGetValue(kind, out VerdictTable? table))
        {
            _verdicts.Add(kind, table = new VerdictTable());
        }

        table.Add(sighting.Amount, verdict, judgement.Suspicion);
        return after;
    }

    private void RenewIfDue(DateTime now)
    {
        if (_version == 0)
        {
            _began = now.Date;
        }
        else if (now < _nextRenewal)
        {
            return;
        }

        _nextRenewal = RenewalSchedule.After(_began, now);
        _version++;
        if (_keys.Count == 0)
        {
            return;
        }

        var renewal = new PriorRenewal(now, _version, settings);
        foreach (((_, CategoryKey category), KeyState state) in _keys)
        {
            renewal.Add(category, state);
        }

        (_priors, _others) = renewal.Finish(_seasons, _surprises);
        _history.Renew(now);
    }
}
