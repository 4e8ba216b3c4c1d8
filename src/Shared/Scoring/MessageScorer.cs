using System.Diagnostics;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>
/// Scores one message, and halves it when it fails until the bad transactions stand alone: all others are scored. One bad transaction among n costs some
/// 2·log₂ n writes.
/// </summary>
internal sealed class MessageScorer(BatchScorer scorer)
{
    /// <summary>
    /// Whether a failure may be the fault of what is written, not of the database that it is written to. A process out of memory says nothing about either.
    /// </summary>
    public static bool IsFaultOfMessages(Exception e) =>
        e is not (StoreUnavailableException or QueueUnavailableException or OperationCanceledException or OutOfMemoryException);

    /// <summary>Scores and writes a message.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<ScoringOutcome> ScoreAsync(Delivery delivery, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        var tally = new Tally();
        await ScorePieceAsync(delivery, tally, leases, cancellationToken);
        return tally.OutcomeOf(delivery);
    }

    private async Task ScorePieceAsync(Delivery piece, Tally tally, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        if (piece.Transactions.Count > scorer.Limit.Most)
        {
            foreach (Delivery part in PartsOf(piece))
            {
                await ScorePieceAsync(part, tally, leases, cancellationToken);
            }

            return;
        }

        try
        {
            tally.Add(await scorer.ScoreAsync([piece], leases, cancellationToken));
        }
        catch (Exception e) when (IsFaultOfMessages(e))
        {
            Telemetry.Fail(Activity.Current, e);
            await SplitAsync(piece, e, tally, leases, cancellationToken);
        }
    }

    private async Task SplitAsync(Delivery failed, Exception failure, Tally tally, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        if (failed.Transactions.Count + failed.Commands.Count <= 1 && (failed.Transactions.Count + failed.Commands.Count == 0 || !HoldsMore(failed)))
        {
            tally.Fail(failed.Transactions, failure);
            return;
        }

        foreach (Delivery piece in PartsOf(failed))
        {
            await ScorePieceAsync(piece, tally, leases, cancellationToken);
        }
    }

    private static bool HoldsMore(Delivery delivery) => delivery.Unreadable.Count > 0 || delivery.PoisonReason is not null;

    // What the message holds beside its items, its transactions, and its commands; or the halves of what it holds alone.
    private static Delivery[] PartsOf(Delivery delivery)
    {
        int count = delivery.Transactions.Count;
        int commands = delivery.Commands.Count;
        return HoldsMore(delivery) ? [delivery.WithoutItems(), .. Halves(delivery.Only, count, 1), .. Halves(delivery.OnlyCommands, commands, 1)]
            : commands == 0 ? [.. Halves(delivery.Only, count, 2)]
            : count == 0 ? [.. Halves(delivery.OnlyCommands, commands, 2)]
            : [delivery.Only(0, count), delivery.OnlyCommands(0, commands)];
    }

    private static IEnumerable<Delivery> Halves(Func<int, int, Delivery> part, int count, int parts)
    {
        int first = count / parts;
        if (first > 0)
        {
            yield return part(0, first);
        }

        if (parts == 2)
        {
            yield return part(first, count - first);
        }
    }

    /// <summary>What became of the pieces of one message.</summary>
    private sealed class Tally
    {
        private readonly List<Transaction> _bad = [];
        private WriteCounts _counts;
        private bool _mayHaveUnsentAlerts;
        private bool _isLost;
        private Exception? _failure;

        public void Add(ScoringOutcome piece)
        {
            _counts += piece.Counts;
            _mayHaveUnsentAlerts |= piece.MayHaveUnsentAlerts;
            _isLost |= piece.Deliveries.Count == 0;
        }

        public void Fail(List<Transaction> transactions, Exception failure)
        {
            _bad.AddRange(transactions);
            _failure = failure;
        }

        public ScoringOutcome OutcomeOf(Delivery delivery) => new()
        {
            End = _isLost ? ScoringEnd.LeaseLost : _failure is null ? ScoringEnd.Committed : ScoringEnd.Failed,
            Counts = _counts,
            MayHaveUnsentAlerts = _mayHaveUnsentAlerts,
            Deliveries = [delivery],
            Failure = _failure is null ? null : ScoringFailure.Of(_failure),
            PoisonReason = delivery.PoisonReason,
            TraceParent = delivery.TraceParent,
            NotScored = [.. _bad.Select(FailedTransaction.Of), .. delivery.Unreadable],
        };
    }
}
