using System.Globalization;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>The detectors of this process: the one that decides, and the shadows that score beside it.</summary>
/// <param name="settings">Which they are, and their constants.</param>
internal sealed class Detectors(Settings settings)
{
    // The levels, the one with the fewest alerts first.
    private static readonly AlertLevel[] s_levels = [AlertLevel.Rarely, AlertLevel.Normal, AlertLevel.Often];

    private readonly ZScoreRule _zScore = new(settings.Threshold, settings.MinimumSamples);
    private readonly AdaptiveDetector _adaptive = new(AdaptiveSettings.Default);
    private readonly Wording _wording = Wording.Of(settings.Language, settings.Currency);

    /// <summary>Scores a transaction by the z-score alone.</summary>
    public TransactionResult ScoreByBaseline(Transaction transaction, Baseline? baseline, DateTime now) => _zScore.Score(transaction, baseline, now);

    /// <summary>Scores a transaction by the detector that decides and by the shadows, and learns from it.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="baseline">Its baseline; null: there is none.</param>
    /// <param name="states">The states, to which the transaction is added.</param>
    /// <param name="model">What is known of all users together.</param>
    /// <param name="now">When it is scored, UTC.</param>
    public TransactionResult ScoreAndLearn(Transaction transaction, Baseline? baseline, StateBook states, DetectionModel model, DateTime now)
    {
        TransactionResult byBaseline = _zScore.Score(transaction, baseline, now);
        double amount = transaction.Amount.ToDouble();
        var sighting = new Sighting(amount, transaction.OccurredAt);
        var key = StateKey.Of(transaction.UserId, transaction.CategoryId, sighting.IsRefund);
        Judgement judgement = _adaptive.Score(
            sighting, states.KeyOf(key), states.UserOf(transaction.UserId), model.PriorOf(key.Category));
        judgement = model.Corrected(judgement, key.Category, amount);
        states.Apply(key, judgement.Contribution, transaction.OccurredAt);
        bool isAnomaly = model.Thresholds.IsAnomaly(judgement, AlertLevel.Normal);
        if (settings.Detector == DetectorNames.ZScore)
        {
            return byBaseline with { Contribution = judgement.Contribution, Shadow = ShadowOf(DetectorNames.Adaptive, isAnomaly, judgement.Odds) };
        }

        int from = Array.FindIndex(s_levels, level => model.Thresholds.IsAnomaly(judgement, level));
        return ByJudgement(byBaseline, judgement, amount, isAnomaly) with
        {
            AlertsFrom = from < 0 ? null : s_levels[from],
            Shadow = settings.Shadow.Contains(DetectorNames.ZScore) ? ShadowOf(DetectorNames.ZScore, byBaseline.IsAnomaly, byBaseline.ZScore) : null,
        };
    }

    // The amounts of a refund are below zero, and so is what is expected of it.
    private TransactionResult ByJudgement(TransactionResult transaction, in Judgement judgement, double amount, bool isAnomaly)
    {
        double mean = amount < 0 ? -judgement.Mean : judgement.Mean;
        double z = (amount - mean) / judgement.Deviation;
        bool isKnown = judgement.IsKnown && double.IsFinite(z) && double.IsFinite(mean);
        return transaction with
        {
            ZScore = isKnown ? z : null,
            IsAnomaly = isKnown && isAnomaly,
            Reason = isKnown ? ScoreReason.Scored : ScoreReason.NoBaseline,
            Baseline = isKnown ? new Baseline(mean, judgement.Deviation, judgement.Usual.Count) : null,
            Detected = Detected.Of(AdaptiveDetector.Version, judgement, amount) with { Wording = _wording },
            Contribution = judgement.Contribution,
        };
    }

    private static string ShadowOf(string name, bool isAnomaly, double? score)
    {
        string number = score is { } given && double.IsFinite(given) ? string.Create(CultureInfo.InvariantCulture, $",\"score\":{given:R}") : "";
        return $"{{\"{name}\":{{\"is_anomaly\":{(isAnomaly ? "true" : "false")}{number}}}}}";
    }
}
