using System.Diagnostics;
using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Observability;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>A received message with what was decoded from it.</summary>
/// <param name="Lease">The message.</param>
/// <param name="Content">Its content.</param>
public sealed record Delivery(LeasedMessage Lease, InboundMessage Content);

/// <summary>What became of a batch.</summary>
/// <param name="Counts">What was written.</param>
/// <param name="MayHaveUnsentAlerts">Whether alerts of this batch may be unsent: it has anomalies, or repeats, which may have been anomalies when they were written.</param>
public readonly record struct ScoredCounts(WriteCounts Counts, bool MayHaveUnsentAlerts);

/// <summary>Scores a batch: one round trip for its baselines, one for its results.</summary>
public sealed class BatchScorer(IScoringStore store, IdCertifier ids, Settings settings, Telemetry telemetry, TimeProvider time)
{
    private readonly ZScoreRule _rule = new(settings.Threshold, settings.MinimumSamples);

    /// <summary>
    /// Scores and writes everything in the batch, poison records and failed rows included. When it returns, all of it is committed and the
    /// messages may be settled.
    /// </summary>
    /// <exception cref="Storage.StoreUnavailableException">The database can't be reached.</exception>
    public async Task<ScoredCounts> ScoreAsync(IReadOnlyCollection<Delivery> batch, CancellationToken cancellationToken)
    {
        List<Transaction> transactions = [.. batch.SelectMany(delivery => delivery.Content.Transactions)];
        IReadOnlyDictionary<BaselineKey, Baseline> baselines = transactions.Count == 0
            ? new Dictionary<BaselineKey, Baseline>()
            : await store.LoadBaselinesAsync([.. transactions.Select(KeyOf).Distinct()], cancellationToken);

        DateTime now = time.UtcNowMicroseconds();
        List<TransactionResult> results = [.. transactions.Select(transaction => _rule.Score(transaction, baselines.GetValueOrDefault(KeyOf(transaction)), now))];
        List<NewAlert> alerts = AlertsOf(batch, results);
        results.AddRange(batch.SelectMany(delivery => delivery.Content.Unreadable).Where(item => item.Id is not null).Select(item => Failed(item, now)));
        List<PoisonMessage> poison = [.. batch.Where(delivery => delivery.Content.PoisonReason is not null)
            .Select(delivery => PoisonRecord(delivery, delivery.Content.PoisonReason!, null, (int)Math.Min(delivery.Lease.DequeueCount, int.MaxValue), now))];
        if (results.Count == 0 && poison.Count == 0)
        {
            return default;
        }

        WriteCounts counts = await store.WriteAsync(new ScoredBatch(results, alerts, poison), cancellationToken);
        telemetry.Written(results, counts);
        return new ScoredCounts(counts, alerts.Count > 0 || counts.Repeats > 0);
    }

    /// <summary>Gives up a message: its poison record, and a failed row for each of these transactions that has none yet.</summary>
    /// <exception cref="Storage.StoreUnavailableException">The database can't be reached.</exception>
    public Task GiveUpAsync(Delivery delivery, IEnumerable<UnreadableTransaction> failed, string reason, string? exception, int attempts, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        return store.WriteAsync(
            new ScoredBatch(
                [.. failed.Where(item => item.Id is not null).Select(item => Failed(item, now))],
                [],
                [PoisonRecord(delivery, reason, exception, attempts, now)]),
            cancellationToken);
    }

    // Each goes on with the trace of its transaction: below the batch's span where that is in the same trace, else below the message's.
    private List<NewAlert> AlertsOf(IReadOnlyCollection<Delivery> batch, List<TransactionResult> results)
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
