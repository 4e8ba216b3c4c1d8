using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Overview;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>Scores a batch: one round trip for its baselines, one for its results.</summary>
internal sealed class BatchScorer(
    IScoringStore store, IdCertifier ids, Settings settings, Telemetry telemetry, TimeProvider time, ScoringEvents events, ProcessTally? tally = null)
{
    /// <summary>How many transactions this process writes at once; what is handed to the scorer should stay within it.</summary>
    public BatchLimit Limit { get; } = new();

    private readonly ZScoreRule _rule = new(settings.Threshold, settings.MinimumSamples);

    /// <summary>
    /// Scores and writes everything in the batch, poison records and failed rows included, for the messages that are still held. When it returns, all of that
    /// is committed, and the outcome's deliveries may be settled.
    /// </summary>
    /// <exception cref="StoreUnavailableException">
    /// The database can't be reached, or did not finish in time: then <see cref="Limit"/> has become smaller.
    /// </exception>
    public async Task<ScoringOutcome> ScoreAsync(IReadOnlyList<Delivery> batch, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        int size = batch.Sum(delivery => delivery.Transactions.Count);
        long startedAt = time.GetTimestamp();
        try
        {
            ScoringOutcome outcome = await ScoreWithinAsync(batch, leases, cancellationToken);
            Limit.Written(size, time.GetElapsedTime(startedAt));
            return outcome;
        }
        catch (StoreUnavailableException e) when (e.WasTooMuch)
        {
            Limit.TookTooLong(size);
            throw;
        }
    }

    private async Task<ScoringOutcome> ScoreWithinAsync(IReadOnlyList<Delivery> batch, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        IReadOnlyList<Delivery> held = DropLost(batch, leases);
        BaselineKey[] keys = [.. held.SelectMany(delivery => delivery.Transactions).Select(KeyOf).Distinct()];
        IReadOnlyDictionary<BaselineKey, Baseline> baselines = keys.Length == 0
            ? new Dictionary<BaselineKey, Baseline>()
            : await store.LoadBaselinesAsync(keys, cancellationToken);
        while (true)
        {
            ScoredBatch scored = Score(held, baselines);
            if (scored.Results.Count == 0 && scored.Poison.Count == 0)
            {
                return new ScoringOutcome { Deliveries = held };
            }

            if (await TryWriteAsync(scored, held, leases, cancellationToken) is { } counts)
            {
                return new ScoringOutcome { Counts = counts, MayHaveUnsentAlerts = scored.Alerts.Count > 0 || counts.Repeats > 0, Deliveries = held };
            }

            // Each round has fewer deliveries: a lost message stays lost.
            held = DropLost(held, leases);
        }
    }

    /// <summary>
    /// Gives up a message: writes its poison record, and a failed row for each of its transactions that has none yet. False: the message's lease had ended, and
    /// nothing was written.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<bool> GiveUpAsync(
        Delivery delivery,
        IEnumerable<FailedTransaction> failed,
        string reason,
        string? exception,
        int attempts,
        ILeaseHolder leases,
        CancellationToken cancellationToken)
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
        List<TransactionResult> results = [.. batch.SelectMany(delivery => delivery.Transactions)
            .Select(transaction => _rule.Score(transaction, baselines.GetValueOrDefault(KeyOf(transaction)), now))];
        List<NewAlert> alerts = AlertsOf(batch, results);
        results.AddRange(batch.SelectMany(delivery => delivery.Unreadable).Where(item => item.Id is not null).Select(item => Failed(item, now)));
        List<PoisonMessage> poison = [.. batch.Where(delivery => delivery.PoisonReason is not null)
            .Select(delivery => PoisonRecord(delivery, delivery.PoisonReason!, null, (int)Math.Min(delivery.Message.DequeueCount, int.MaxValue), now))];
        return new ScoredBatch(results, alerts, poison);
    }

    /// <returns>Null: a lease ended before the commit, and nothing was written.</returns>
    private async Task<WriteCounts?> TryWriteAsync(
        ScoredBatch batch, IReadOnlyList<Delivery> deliveries, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        ProcessSeen? process = tally?.Due(batch.Results.Count);
        try
        {
            WriteCounts counts = await store.WriteAsync(
                batch with { Process = process, MayCommit = () => DropLost(deliveries, leases).Count == deliveries.Count }, cancellationToken);
            events.OnWritten(counts.Written == batch.Results.Count ? batch.Results : null);
            telemetry.BatchWritten(
                batch.Results.Count,
                counts.Observed(batch.Results.Count(result => result.Status == TransactionStatus.Failed)),
                [.. batch.Results.Where(result => result.Status == TransactionStatus.Scored).Select(result => result.AcceptedAt).OfType<DateTime>()]);
            tally?.Committed(batch.Results.Count, process);
            return counts;
        }
        catch (LeaseLostException)
        {
            return null;
        }
    }

    // Marks messages whose lease has ended as lost, and returns the rest. It runs under the write lock too, so it only reads the clock, once per message.
    private static IReadOnlyList<Delivery> DropLost(IReadOnlyList<Delivery> batch, ILeaseHolder leases)
    {
        List<Delivery> lost = [.. batch.Where(delivery => !leases.IsHeld(delivery.Message))];
        lost.ForEach(delivery => leases.Lose(delivery.Message, "commit"));
        return lost.Count == 0 ? batch : [.. batch.Except(lost)];
    }

    // Each alert continues the trace of its transaction: below the batch's span where that span is in the same trace, otherwise below the message's.
    private List<NewAlert> AlertsOf(IReadOnlyList<Delivery> batch, List<TransactionResult> results)
    {
        var alerts = new List<NewAlert>();
        int at = 0;
        foreach (Delivery delivery in batch)
        {
            int end = at + delivery.Transactions.Count;
            for (; at < end; at++)
            {
                if (results[at].IsAnomaly)
                {
                    alerts.Add(AlertMessage.Create(results[at], ids, batch.Count == 1 ? W3CTrace.Current ?? delivery.TraceParent : delivery.TraceParent));
                }
            }
        }

        return alerts;
    }

    private static BaselineKey KeyOf(Transaction transaction) => new(transaction.UserId, transaction.CategoryId);

    private static TransactionResult Failed(FailedTransaction item, DateTime now) => new()
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
        delivery.Message.Id, reason, exception, attempts, delivery.TraceParent, delivery.Message.Text, Timestamp.Truncate(delivery.Message.InsertedAt), now);
}
