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
    public void Accepted(int transactions, bool isDurable) => Update(slot =>
    {
        slot.Accepted += isDurable ? transactions : 0;
        slot.Refused += isDurable ? 0 : transactions;
    });

    /// <summary>Counts committed transactions.</summary>
    public void Written(WrittenTransactions counts) => Update(slot =>
    {
        slot.Scored += counts.Scored;
        slot.Failed += counts.Failed;
        slot.Anomalies += counts.Anomalies;
    });

    /// <summary>Records how long transactions took from their acceptance to their commit.</summary>
    public void Took(IReadOnlyList<DateTime> acceptedAt, DateTime now) => Update(slot =>
    {
        for (int i = 0; i < acceptedAt.Count; i++)
        {
            slot.Took(Math.Max(0, (now - acceptedAt[i]).TotalSeconds));
        }
    });

    /// <summary>Records what waits on the inbound queue, whenever somebody asked the queue.</summary>
    /// <param name="transactions">Transactions that wait; null: it is not known.</param>
    /// <param name="oldestSeconds">Age of the oldest message, in seconds.</param>
    public void Waiting(long? transactions, double oldestSeconds) => Update(slot =>
    {
        slot.Waiting = transactions ?? slot.Waiting;
        slot.OldestSeconds = Math.Max(slot.OldestSeconds ?? 0, oldestSeconds);
    });

    /// <summary>The last hour, oldest first; shorter while the process is young.</summary>
    public ActivitySeries Hour() => Read(_hour);

    /// <summary>The last day, oldest first; shorter while the process is young.</summary>
    public ActivitySeries Day() => Read(_day);

    private void Update(Action<ActivitySlot> change)
    {
        lock (_gate)
        {
            double up = Up;
            change(_hour.At(up));
            change(_day.At(up));
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
