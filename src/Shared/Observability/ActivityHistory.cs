namespace FinanceIngest.Observability;

/// <summary>
/// What this process did in the last hour, by tens of seconds, and in the last day, by five minutes. A slot in which nothing was done takes a few bytes, one in
/// which transactions were scored half a kilobyte; together at most 0.4 MB.
/// </summary>
internal sealed class ActivityHistory(TimeProvider time)
{
    /// <summary>Seconds of a slot of the last hour.</summary>
    public const int HourStep = 10;

    /// <summary>Seconds of a slot of the last day.</summary>
    public const int DayStep = 300;

    private readonly Lock _gate = new();
    private readonly long _startedAt = time.GetTimestamp();
    private readonly Ring _hour = new(HourStep, 3600 / HourStep);
    private readonly Ring _day = new(DayStep, 86_400 / DayStep);

    /// <summary>Counts transactions that became durable on the inbound queue, or whose send failed.</summary>
    public void Accepted(int transactions, bool isDurable) => Update((transactions, isDurable), static (slot, sent) =>
    {
        slot.Accepted += sent.isDurable ? sent.transactions : 0;
        slot.Refused += sent.isDurable ? 0 : sent.transactions;
    });

    /// <summary>Counts committed transactions.</summary>
    public void Written(WrittenTransactions counts) => Update(counts, static (slot, counts) =>
    {
        slot.Scored += counts.Scored;
        slot.Failed += counts.Failed;
        slot.Anomalies += counts.Anomalies;
    });

    /// <summary>Records how long transactions took from their acceptance to their commit.</summary>
    public void Took(IReadOnlyList<DateTime> acceptedAt, DateTime now) => Update((acceptedAt, now), static (slot, batch) =>
    {
        for (int i = 0; i < batch.acceptedAt.Count; i++)
        {
            slot.Took(Math.Max(0, (batch.now - batch.acceptedAt[i]).TotalSeconds));
        }
    });

    /// <summary>Records what waits on the inbound queue, whenever somebody asked the queue.</summary>
    /// <param name="transactions">Transactions that wait; null: it is not known.</param>
    /// <param name="oldestSeconds">Age of the oldest message, in seconds.</param>
    public void Waiting(long? transactions, double oldestSeconds) => Update((transactions, oldestSeconds), static (slot, seen) =>
    {
        slot.Waiting = seen.transactions ?? slot.Waiting;
        slot.OldestSeconds = Math.Max(slot.OldestSeconds ?? 0, seen.oldestSeconds);
    });

    /// <summary>The last hour, oldest first; shorter while the process is young.</summary>
    public ActivitySeries Hour() => Read(_hour);

    /// <summary>The last day, oldest first; shorter while the process is young.</summary>
    public ActivitySeries Day() => Read(_day);

    // What is counted is handed over, and not captured: nothing is allocated for it.
    private void Update<T>(T counted, Action<ActivitySlot, T> change)
    {
        lock (_gate)
        {
            double up = Up;
            change(_hour.At(up), counted);
            change(_day.At(up), counted);
        }
    }

    private ActivitySeries Read(Ring ring)
    {
        lock (_gate)
        {
            double up = Up;
            IReadOnlyList<ActivitySlot?> slots = ring.Since(up);
            double sinceFirst = (up % ring.Step) + ((slots.Count - 1) * (double)ring.Step);
            return new ActivitySeries(time.GetUtcNow().UtcDateTime.AddSeconds(-sinceFirst), ring.Step, [.. slots.Select(slot => slot?.ToPoint())]);
        }
    }

    private double Up => time.GetElapsedTime(_startedAt).TotalSeconds;

    private sealed class Ring(int step, int length)
    {
        private readonly ActivitySlot?[] _slots = new ActivitySlot?[length];

        public int Step => step;

        public ActivitySlot At(double up)
        {
            long number = (long)up / step;
            ActivitySlot? slot = _slots[number % length];
            return slot?.Number == number ? slot : _slots[number % length] = new ActivitySlot(number);
        }

        public IReadOnlyList<ActivitySlot?> Since(double up)
        {
            long last = (long)up / step;
            long first = Math.Max(0, last - length + 1);
            return [.. Enumerable.Range(0, (int)(last - first + 1)).Select(i => _slots[(first + i) % length] is { } slot && slot.Number == first + i
                ? slot : null)];
        }
    }
}
