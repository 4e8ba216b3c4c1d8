namespace FinanceIngest.Scoring;

/// <summary>
/// How many transactions may be written at once. A database that does not finish a write within its time limit gets half of it the next time: the same work
/// again would end in the same way. Writes grow again once they are quick. Without a time-out there is no limit beside that of
/// <see cref="BatchReceiver"/>.
/// </summary>
internal sealed class BatchLimit
{
    /// <summary>A write that took no longer than this, a quarter of SqlClient's time limit of 30 s, may be twice as large the next time.</summary>
    public static readonly TimeSpan Quick = TimeSpan.FromSeconds(7.5);

    /// <summary>No batch is larger than this, so a limit that has grown to it is none.</summary>
    private const int Largest = 16_384;

    private readonly Lock _lock = new();

    /// <summary>The most transactions of one write, ≥ 1.</summary>
    public int Most { get; private set; } = int.MaxValue;

    /// <summary>A write did not finish in time, and nothing of it was committed. Batches that fail beside each other halve the limit once.</summary>
    /// <param name="transactions">Its size.</param>
    public void TookTooLong(int transactions)
    {
        lock (_lock)
        {
            Most = Math.Max(1, Math.Min(Most, transactions / 2));
        }
    }

    /// <summary>A write was committed. Of batches that succeed beside each other, each as large as the limit was, one doubles it.</summary>
    /// <param name="transactions">Its size.</param>
    /// <param name="took">Its time, with that of reading its baselines.</param>
    public void Written(int transactions, TimeSpan took)
    {
        lock (_lock)
        {
            if (took <= Quick && transactions > Most / 2)
            {
                Most = Most >= Largest / 2 ? int.MaxValue : Most * 2;
            }
        }
    }

    /// <summary>Divides deliveries into parts within the limit. A delivery that is larger by itself is a part of its own.</summary>
    public IEnumerable<List<Queueing.Delivery>> Divide(IReadOnlyList<Queueing.Delivery> batch)
    {
        var part = new List<Queueing.Delivery>();
        int size = 0;
        foreach (Queueing.Delivery delivery in batch)
        {
            // The limit is read anew: a part before this one may have changed it.
            if (part.Count > 0 && size + delivery.Transactions.Count > Most)
            {
                yield return part;
                part = [];
                size = 0;
            }

            part.Add(delivery);
            size += delivery.Transactions.Count;
        }

        if (part.Count > 0)
        {
            yield return part;
        }
    }
}
