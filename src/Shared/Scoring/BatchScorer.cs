using System.Diagnostics;
using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>What became of a batch.</summary>
/// <param name="Counts">What was written.</param>
/// <param name="MayHaveUnsentAlerts">Whether alerts of this batch may be unsent: it has anomalies, or repeats, which may have been anomalies when they were written.</param>
/// <param name="Held">The deliveries that this holds for: those whose lease had not ended by the commit. Nothing was written for the others.</param>
internal readonly record struct ScoredCounts(WriteCounts Counts, bool MayHaveUnsentAlerts, IReadOnlyList<Delivery> Held);

/// <summary>Scores a batch: one round trip for its baselines, one for its results.</summary>
internal sealed class BatchScorer(IScoringStore store, IdCertifier ids, Settings settings, Telemetry telemetry, TimeProvider time)
{
    private readonly ZScoreRule _rule = new(settings.Threshold, settings.MinimumSamples);

    /// <summary>
    /// Scores and writes everything in the batch, poison records and failed rows included, as far as its messages are held. When it returns, all of
    /// that is committed and these messages may be settled.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<ScoredCounts> ScoreAsync(IReadOnlyList<Delivery> batch, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        IReadOnlyList<Delivery> held = StillHeld(batch, leases);
        BaselineKey[] keys = [.. held.SelectMany(delivery => delivery.Content.Transactions).Select(KeyOf).Distinct()];
        IReadOnlyDictionary<BaselineKey, Baseline> baselines = keys.Length == 0
            ? new Dictionary<BaselineKey, Baseline>()
            : await store.LoadBaselinesAsync(keys, cancellationToken);
        while (true)
        {
            ScoredBatch scored = Score(held, baselines);
            if (scored.Results.Count == 0 && scored.Poison.Count == 0)
            {
                return new ScoredCounts(default, false, held);
            }

            if (await TryWriteAsync(scored, held, leases, cancellationToken) is { } counts)
            {
                return new ScoredCounts(counts, scored.Alerts.Count > 0 || counts.Repeats > 0, held);
            }

            // One fewer each time: what is lost stays lost.
            held = StillHeld(held, leases);
        }
    }

    /// <summary>Gives up a message: its poison record, and a failed row for each of these transactions that has none yet. False: its lease had ended, nothing was written.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<bool> GiveUpAsync(
        Delivery delivery, IEnumerable<UnreadableTransaction> failed, string reason, string? exception, int attempts, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        var given = new ScoredBatch(
            [.. failed.Where(item => item.Id is not null).Select(item => Failed(item, now))],
            [],
            [PoisonRecord(delivery, reason, exception, attempts, now)]);
        return await TryWriteAsync(given, [delivery], leases, cancellationToken) is not null;
    }

    private ScoredBatch Score(IReadOnlyList<Delivery> batch, IReadOnlyDictionary<BaselineKey, Baseline> baselines)
    {
        DateTime now = time.UtcNowMicroseconds();
        List<TransactionResult> results = [.. batch.SelectMany(delivery => delivery.Content.Transactions)
            .Select(transaction => _rule.Score(transaction, baselines.GetValueOrDefault(KeyOf(transaction)), now))];
        List<NewAlert> alerts = AlertsOf(batch, results);
        results.AddRange(batch.SelectMany(delivery => delivery.Content.Unreadable).Where(item => item.Id is not null).Select(item => Failed(item, now)));
        List<PoisonMessage> poison = [.. batch.Where(delivery => delivery.Content.PoisonReason is not null)
            .Select(delivery => PoisonRecord(delivery, delivery.Content.PoisonReason!, null, (int)Math.Min(delivery.Lease.DequeueCount, int.MaxValue), now))];
        return new ScoredBatch(results, alerts, poison);
    }

    /// <returns>Null: a lease ended before the commit, and nothing was written.</returns>
    private async Task<WriteCounts?> TryWriteAsync(ScoredBatch batch, IReadOnlyList<Delivery> deliveries, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        try
        {
            WriteCounts counts = await store.WriteAsync(batch with { MayCommit = () => StillHeld(deliveries, leases).Count == deliveries.Count }, cancellationToken);
            telemetry.BatchWritten(
                batch.Results.Count,
                counts.Observed(batch.Results.Count(result => result.Status == TransactionStatus.Failed)),
                batch.Results.Where(result => result.Status == TransactionStatus.Scored).Select(result => result.AcceptedAt).OfType<DateTime>());
            return counts;
        }
        catch (LeaseLostException)
        {
            return null;
        }
    }

    // A look at a clock per message, not per row.
    private static IReadOnlyList<Delivery> StillHeld(IReadOnlyList<Delivery> batch, ILeaseHolder leases)
    {
        List<Delivery> lost = [.. batch.Where(delivery => !leases.IsHeld(delivery.Lease))];
        lost.ForEach(delivery => leases.Lose(delivery.Lease, "commit"));
        return lost.Count == 0 ? batch : [.. batch.Except(lost)];
    }

    // Each goes on with the trace of its transaction: below the batch's span where that is in the same trace, else below the message's.
    private List<NewAlert> AlertsOf(IReadOnlyList<Delivery> batch, List<TransactionResult> results)
    {
        var alerts = new List<NewAlert>();
        int at = 0;
        foreach (Delivery delivery in batch)
        {
            int end = at + delivery.Content.Transactions.Count;
            for (; at < end; at++)
            {
                if (results[at].IsAnomaly)
                {
                    alerts.Add(AlertMessage.Create(results[at], ids, batch.Count == 1 ? Activity.Current?.Id ?? delivery.Content.TraceParent : delivery.Content.TraceParent));
                }
            }
        }

        return alerts;
    }

    private static BaselineKey KeyOf(Transaction transaction) => new(transaction.UserId, transaction.CategoryId);

    private static TransactionResult Failed(UnreadableTransaction item, DateTime now) => new()
    {
        Id = item.Id!.Value,
        Status = TransactionStatus.Failed,
        UserId = item.UserId,
        CategoryId = item.CategoryId,
        Amount = item.Amount,
        OccurredAt = item.OccurredAt,
        AcceptedAt = item.AcceptedAt,
        ScoredAt = now,
        Error = item.Error,
    };

    private static PoisonMessage PoisonRecord(Delivery delivery, string reason, string? exception, int attempts, DateTime now) => new(
        delivery.Lease.Id, reason, exception, attempts, delivery.Content.TraceParent, delivery.Lease.Text, Timestamp.Truncate(delivery.Lease.InsertedAt), now);
}
