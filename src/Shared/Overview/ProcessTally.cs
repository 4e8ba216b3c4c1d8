using FinanceIngest.Transactions;

namespace FinanceIngest.Overview;

/// <summary>
/// Counts the batches of this process, and says when its row in <c>processes</c> is due: with the first batch, and then with one in ten seconds, so that a row
/// costs nothing worth mentioning and an idle process writes nothing.
/// </summary>
internal sealed class ProcessTally(ThisProcess process, TimeProvider time)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private long _batches;
    private long _transactions;
    private long? _writtenAt;

    /// <summary>The row that goes with a batch; null when none is due.</summary>
    /// <param name="transactions">Transactions in the batch.</param>
    public ProcessSeen? Due(int transactions)
    {
        lock (_gate)
        {
            return _writtenAt is { } at && time.GetElapsedTime(at) < s_interval
                ? null
                : new ProcessSeen(process, time.UtcNowMicroseconds(), _batches + 1, _transactions + transactions);
        }
    }

    /// <summary>Counts a batch that is committed.</summary>
    /// <param name="transactions">Transactions in it.</param>
    /// <param name="row">The row that went with it, if any.</param>
    public void Committed(int transactions, ProcessSeen? row)
    {
        lock (_gate)
        {
            _batches++;
            _transactions += transactions;
            _writtenAt = row is null ? _writtenAt : time.GetTimestamp();
        }
    }
}
