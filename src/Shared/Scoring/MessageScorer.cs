using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>What became of one message.</summary>
internal sealed record MessageOutcome
{
    /// <summary>What was written.</summary>
    public WriteCounts Counts { get; init; }

    /// <summary>Whether its alerts may be unsent.</summary>
    public bool MayHaveUnsentAlerts { get; init; }

    /// <summary>Whether its lease ended before all of it was committed: it is another worker's now.</summary>
    public bool IsLost { get; init; }

    /// <summary>What its last bad piece failed with; null: all of it is committed.</summary>
    public Exception? Failure { get; init; }

    /// <summary>The transactions that fail by themselves; all others are committed.</summary>
    public IReadOnlyList<Transaction> Bad { get; init; } = [];
}

/// <summary>
/// Scores one message, and when it fails halves it until the bad transactions stand alone: all others are scored. One bad transaction among n costs some
/// 2·log₂ n writes.
/// </summary>
internal sealed class MessageScorer(BatchScorer scorer)
{
    /// <summary>Whether a failure may be the fault of what is written, not of what it is written to. A process out of memory says nothing about either.</summary>
    public static bool IsFaultOfMessages(Exception e) =>
        e is not (StoreUnavailableException or QueueUnavailableException or OperationCanceledException or OutOfMemoryException);

    /// <summary>Scores and writes a message.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<MessageOutcome> ScoreAsync(Delivery delivery, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        var tally = new Tally();
        await ScoreAsync(delivery, tally, leases, cancellationToken);
        return tally.Outcome;
    }

    /// <summary>The same of one that has just failed as a whole.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<MessageOutcome> ScoreApartAsync(Delivery delivery, Exception failure, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        var tally = new Tally();
        await SplitAsync(delivery, failure, tally, leases, cancellationToken);
        return tally.Outcome;
    }

    private async Task ScoreAsync(Delivery piece, Tally tally, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        try
        {
            tally.Add(await scorer.ScoreAsync([piece], leases, cancellationToken));
        }
        catch (Exception e) when (IsFaultOfMessages(e))
        {
            await SplitAsync(piece, e, tally, leases, cancellationToken);
        }
    }

    private async Task SplitAsync(Delivery failed, Exception failure, Tally tally, ILeaseHolder leases, CancellationToken cancellationToken)
    {
        InboundMessage content = failed.Content;
        int count = content.Transactions.Count;
        bool holdsMore = content.Unreadable.Count > 0 || content.PoisonReason is not null;
        if (count == 0 || (count == 1 && !holdsMore))
        {
            tally.Fail(content.Transactions, failure);
            return;
        }

        InboundMessage[] pieces = holdsMore
            ? [content.WithoutTransactions(), content.Only(0, count)]
            : [content.Only(0, count / 2), content.Only(count / 2, count - (count / 2))];
        foreach (InboundMessage piece in pieces)
        {
            await ScoreAsync(failed with { Content = piece }, tally, leases, cancellationToken);
        }
    }

    private sealed class Tally
    {
        private readonly List<Transaction> _bad = [];
        private WriteCounts _counts;
        private bool _alerts;
        private bool _isLost;
        private Exception? _failure;

        public MessageOutcome Outcome => new() { Counts = _counts, MayHaveUnsentAlerts = _alerts, IsLost = _isLost, Failure = _failure, Bad = _bad };

        public void Add(ScoredCounts scored)
        {
            WriteCounts counts = scored.Counts;
            _counts = new WriteCounts(
                _counts.Written + counts.Written, _counts.Repeats + counts.Repeats, _counts.Conflicts + counts.Conflicts, _counts.Alerts + counts.Alerts);
            _alerts |= scored.MayHaveUnsentAlerts;
            _isLost |= scored.Held.Count == 0;
        }

        public void Fail(List<Transaction> transactions, Exception failure)
        {
            _bad.AddRange(transactions);
            _failure = failure;
        }
    }
}
