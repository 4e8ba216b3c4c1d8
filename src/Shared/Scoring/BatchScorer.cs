using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Learning;
using FinanceIngest.Observability;
using FinanceIngest.Overview;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>Scores a batch: one round trip for its baselines, one for its results.</summary>
internal sealed class BatchScorer(
    IScoringStore store, IdCertifier ids, Settings settings, Telemetry telemetry, TimeProvider time, ScoringEvents events,
    CurrentModel? model = null, ProcessTally? tally = null)
{
    /// <summary>How many transactions this process writes at once; what is handed to the scorer should stay within it.</summary>
    public BatchLimit Limit { get; } = new();

    // Rows from which on users are scored by several threads: some milliseconds of work.
    private const int ManyRows = 500;

    private readonly Detectors _detectors = new(settings);

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
        Func<IReadOnlyList<Delivery>, Task<LearnedRows?>> write = settings.Learns
            ? deliveries => TryLearnAsync(deliveries, leases, cancellationToken)
            : await LoadAndWriteAsync(held, leases, cancellationToken);
        while (true)
        {
            if (!held.Any(static delivery => delivery.Transactions.Count > 0 || delivery.Unreadable.Count > 0 || delivery.PoisonReason is not null))
            {
                return new ScoringOutcome { Deliveries = held };
            }

            if (await write(held) is { } written)
            {
                return new ScoringOutcome
                {
                    Counts = written.Counts,
                    MayHaveUnsentAlerts = written.MayHaveUnsentAlerts || written.Counts.Repeats > 0,
                    Deliveries = held,
                };
            }

            // Each round has fewer deliveries: a lost message stays lost.
            held = DropLost(held, leases);
        }
    }

    // Baselines don't depend on what is written, so that they are loaded once however often the batch has to be written.
    private async Task<Func<IReadOnlyList<Delivery>, Task<LearnedRows?>>> LoadAndWriteAsync(
        IReadOnlyList<Delivery> batch, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        BaselineKey[] keys = [.. batch.SelectMany(static delivery => delivery.Transactions).Select(KeyOf).Distinct()];
        IReadOnlyDictionary<BaselineKey, Baseline> baselines = keys.Length == 0
            ? new Dictionary<BaselineKey, Baseline>()
            : await store.LoadBaselinesAsync(keys, cancellationToken);
        return deliveries =>
        {
            ScoredBatch scored = Compose(
                deliveries, null, (transaction, _, now) => _detectors.ScoreByBaseline(transaction, baselines.GetValueOrDefault(KeyOf(transaction)), now));
            return TryWriteAsync(scored, deliveries, leases, cancellationToken);
        };
    }

    private async Task<LearnedRows?> TryLearnAsync(IReadOnlyList<Delivery> batch, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        DetectionModel current = await model!.GetAsync(cancellationToken);
        List<Transaction> transactions = [.. batch.SelectMany(static delivery => delivery.Transactions)];
        var wanted = new Wanted(transactions, settings.UsesBaselines);
        ProcessSeen? process = tally?.Due(transactions.Count);
        var work = new LearningWork(wanted, (known, users) => Learn(batch, known, current, users) with { Process = users is null ? process : null })
        {
            MayCommit = () => DropLost(batch, leases).Count == batch.Count,
        };
        return await TryAsync(process, () => store.LearnAsync(work, cancellationToken));
    }

    // A user's transactions are learned in the order in which they occurred, as far as the batch has them; which of several with one id counts is decided by
    // the order in which they came.
    private ScoredBatch Learn(IReadOnlyList<Delivery> batch, Known known, DetectionModel current, IReadOnlySet<long>? users)
    {
        DateTime now = time.UtcNowMicroseconds();
        List<Transaction> transactions = [.. batch.SelectMany(static delivery => delivery.Transactions)];
        var results = new TransactionResult?[transactions.Count];
        HashSet<Guid> first = new(transactions.Count);
        List<int> fresh = new(transactions.Count);
        for (int i = 0; i < transactions.Count; i++)
        {
            if (users?.Contains(transactions[i].UserId) == false)
            {
                continue;
            }

            if (first.Add(transactions[i].Id) && known.Present.GetValueOrDefault(transactions[i].Id, Presence.Failed) == Presence.Failed)
            {
                fresh.Add(i);
            }
            else
            {
                // A repeat never becomes a row: it is compared with the one that there is.
                results[i] = _detectors.ScoreByBaseline(transactions[i], null, now);
            }
        }

        known.States.Prepare(fresh.Select(i => StateKey.Of(transactions[i].UserId, transactions[i].CategoryId, transactions[i].Amount.Units < 0)));
        IEnumerable<IGrouping<long, int>> byUser = fresh.GroupBy(i => transactions[i].UserId);
        if (fresh.Count < ManyRows)
        {
            foreach (IGrouping<long, int> rows in byUser)
            {
                LearnUser(rows);
            }
        }
        else
        {
            Parallel.ForEach(byUser, LearnUser);
        }

        void LearnUser(IGrouping<long, int> rows)
        {
            foreach (int i in rows.OrderBy(i => transactions[i].OccurredAt).ThenBy(i => transactions[i].Id))
            {
                Transaction transaction = transactions[i];
                results[i] = _detectors.ScoreAndLearn(
                    transaction, known.Baselines.GetValueOrDefault(KeyOf(transaction)), known.States, current, now);
            }
        }

        return Compose(batch, users, (_, i, _) => results[i]!) with { Learned = known.States.Changes() };
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

    // The batch of some users has their results alone; what is no transaction goes with the batch of all.
    private ScoredBatch Compose(IReadOnlyList<Delivery> batch, IReadOnlySet<long>? users, Func<Transaction, int, DateTime, TransactionResult> score)
    {
        DateTime now = time.UtcNowMicroseconds();
        List<TransactionResult> results = [];
        List<NewAlert> alerts = [];
        int at = 0;
        foreach (Delivery delivery in batch)
        {
            // Each alert continues the trace of its transaction: below the batch's span where that span is in the same trace, otherwise below the message's.
            string? traceParent = batch.Count == 1 ? W3CTrace.Current ?? delivery.TraceParent : delivery.TraceParent;
            foreach (Transaction transaction in delivery.Transactions)
            {
                int index = at++;
                if (users?.Contains(transaction.UserId) == false)
                {
                    continue;
                }

                TransactionResult result = score(transaction, index, now);
                results.Add(result);
                if (result.IsAnomaly)
                {
                    alerts.Add(AlertMessage.Create(result, ids, traceParent));
                }
            }
        }

        if (users is not null)
        {
            return new ScoredBatch(results, alerts, []);
        }

        results.AddRange(batch.SelectMany(static delivery => delivery.Unreadable).Where(static item => item.Id is not null).Select(item => Failed(item, now)));
        List<PoisonMessage> poison = [.. batch.Where(static delivery => delivery.PoisonReason is not null)
            .Select(delivery => PoisonRecord(delivery, delivery.PoisonReason!, null, (int)Math.Min(delivery.Message.DequeueCount, int.MaxValue), now))];
        return new ScoredBatch(results, alerts, poison);
    }

    private Task<LearnedRows?> TryWriteAsync(
        ScoredBatch batch, IReadOnlyList<Delivery> deliveries, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        ProcessSeen? process = tally?.Due(batch.Results.Count);
        ScoredBatch held = batch with { Process = process, MayCommit = () => DropLost(deliveries, leases).Count == deliveries.Count };
        return TryAsync(
            process,
            async () => new LearnedRows(await store.WriteAsync(held, cancellationToken), batch.Results, batch.Alerts.Count > 0, 0));
    }

    /// <returns>Null: a lease ended before the commit, and nothing was written.</returns>
    private async Task<LearnedRows?> TryAsync(ProcessSeen? process, Func<Task<LearnedRows>> write)
    {
        try
        {
            LearnedRows rows = await write();
            events.OnWritten(rows.Counts.Written == rows.Results.Count ? rows.Results : null);
            model?.Saw(rows.ModelVersion);
            telemetry.BatchWritten(
                rows.Results.Count,
                rows.Counts.Observed(rows.Results.Count(static result => result.Status == TransactionStatus.Failed)),
                [.. rows.Results.Where(static result => result.Status == TransactionStatus.Scored).Select(static result => result.AcceptedAt).OfType<DateTime>()]);
            tally?.Committed(rows.Results.Count, process);
            return rows;
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
