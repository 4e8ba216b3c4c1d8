using System.Globalization;
using System.Runtime.CompilerServices;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Ground;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;

namespace FinanceIngest.Replay;

/// <summary>
/// Scores the history again, in the order in which the transactions occurred, and touches nothing. A detector that learns begins as in a new installation
/// and learns from each row, so that it keeps the state of each user and category in memory; the z-score keeps the baselines of the database there. A verdict
/// counts from the first row on that occurred after it was given, so that a row is judged by what was known at its time.
/// </summary>
/// <param name="store">The history.</param>
/// <param name="baselines">The baselines of the z-score.</param>
/// <param name="settings">The threshold of the z-score; language and currency of the sentences.</param>
public sealed class HistoryReplay(IReplayStore store, IBaselineStore baselines, Settings settings)
{
    private const int VerdictsRead = 1000;

    private readonly Wording _wording = Wording.Of(settings.Language, settings.Currency);

    /// <summary>Scores the history again. The rows of the period are returned and counted as they are scored.</summary>
    /// <param name="wish">What is wanted.</param>
    /// <param name="summary">Counts the rows.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    /// <exception cref="IOException">There are more rows than memory may hold, and the temporary file in which they are sorted can't be used.</exception>
    public async IAsyncEnumerable<ReplayedRow> RunAsync(
        ReplayWish wish, ReplaySummary summary, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool learns = wish.Detector == DetectorNames.Adaptive;
        Func<HistoryRow, ReplayedRow> score = learns
            ? Learning(wish, await ReadVerdictsAsync(cancellationToken))
            : ByBaseline(await ReadBaselinesAsync(cancellationToken));

        // The ids of rows are in the order of arrival, which is not the one in which they occurred: a history may be put in at once, and late.
        using var order = new TimeOrder();
        Period read = learns ? wish.Period with { From = null } : wish.Period;
        await foreach (HistoryRow row in HistoryReader.ReadAsync(store, read, null, store.ReadRowsAsync, cancellationToken))
        {
            order.Add(row);
        }

        foreach (HistoryRow row in order.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReplayedRow scored = score(row);
            if (!(row.OccurredAt < wish.Period.From))
            {
                summary.Add(scored);
                yield return scored;
            }
        }
    }

    private Func<HistoryRow, ReplayedRow> Learning(ReplayWish wish, Dictionary<Guid, GivenVerdict> verdicts)
    {
        var answers = new PriorityQueue<Action, DateTime>();
        var run = new DetectionRun(new AdaptiveDetector(AdaptiveSettings.Default), AdaptiveSettings.Default, wish.AlertsPerUserMonth);
        return row =>
        {
            while (answers.TryPeek(out _, out DateTime givenAt) && givenAt <= row.OccurredAt)
            {
                answers.Dequeue()();
            }

            double amount = Money.FromDecimal(row.Amount).ToDouble();
            var sighting = new Sighting(amount, row.OccurredAt);
            Judgement judgement = run.Next(row.UserId, row.CategoryId, sighting, out bool isAnomaly);
            if (verdicts.TryGetValue(row.Id, out GivenVerdict given))
            {
                answers.Enqueue(() => run.Answer(row.UserId, row.CategoryId, sighting, judgement, given.Verdict), given.AcceptedAt);
            }

            bool hasWords = wish.WithWords && !(row.OccurredAt < wish.Period.From);
            return new ReplayedRow(
                row, isAnomaly, judgement.Odds, judgement.IsKnown ? judgement.Surprise : null,
                hasWords ? _wording.Explain(row.CategoryId.ToString(CultureInfo.InvariantCulture), amount, judgement) : null);
        };
    }

    private Func<HistoryRow, ReplayedRow> ByBaseline(Dictionary<BaselineKey, Baseline> known)
    {
        var rule = new ZScoreRule(settings.Threshold, settings.MinimumSamples);
        return row =>
        {
            var transaction = new Transaction(row.Id, row.UserId, row.CategoryId, Money.FromDecimal(row.Amount), row.OccurredAt, row.OccurredAt);
            TransactionResult result = rule.Score(transaction, known.GetValueOrDefault(new BaselineKey(row.UserId, row.CategoryId)), row.OccurredAt);
            return new ReplayedRow(row, result.IsAnomaly, result.ZScore, null, null);
        };
    }

    private async Task<Dictionary<Guid, GivenVerdict>> ReadVerdictsAsync(CancellationToken cancellationToken)
    {
        Dictionary<Guid, GivenVerdict> verdicts = [];
        IReadOnlyList<GivenVerdict> page;
        Guid after = Guid.Empty;
        do
        {
            page = await store.ReadVerdictsAsync(after, VerdictsRead, cancellationToken);
            foreach (GivenVerdict verdict in page)
            {
                verdicts[after = verdict.Id] = verdict;
            }
        }
        while (page.Count == VerdictsRead);
        return verdicts;
    }

    private async Task<Dictionary<BaselineKey, Baseline>> ReadBaselinesAsync(CancellationToken cancellationToken)
    {
        Dictionary<BaselineKey, Baseline> known = [];
        await foreach (BaselineRow row in baselines.ReadAllAsync(cancellationToken))
        {
            known[row.Key] = row.Baseline;
        }

        return known;
    }
}
