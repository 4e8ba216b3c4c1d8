namespace FinanceIngest.Observability;

/// <summary>
/// What this process did in the last five minutes: counts, and the distribution of latencies. It takes a few kilobytes, however much is done, and forgets by
/// tens of seconds.
/// </summary>
internal sealed class RecentActivity
{
    /// <summary>The longest time that is remembered.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private const int SlotSeconds = 10;
    private const int Slots = 31;

    // Latencies are sorted into steps of a quarter of an octave from a millisecond up, so that a percentile is right to some nine in a hundred.
    private const int StepsPerOctave = 4;
    internal const int Steps = 26 * StepsPerOctave;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private long _accepted;
    private long _written;
    private readonly Slot[] _slots = [.. Enumerable.Range(0, Slots).Select(_ => new Slot())];

    public RecentActivity(TimeProvider time)
    {
        _time = time;
        _startedAt = time.GetTimestamp();
        History = new ActivityHistory(time);
    }

    /// <summary>Transactions that this process has accepted, and rows that it has written, since it started.</summary>
    public (long Accepted, long Written) Totals
    {
        get
        {
            lock (_gate)
            {
                return (_accepted, _written);
            }
        }
    }

    /// <summary>The same over a longer while, in coarser steps.</summary>
    public ActivityHistory History { get; }

    /// <summary>Counts transactions whose send succeeded, or failed.</summary>
    public void Accepted(int transactions, bool isDurable)
    {
        History.Accepted(transactions, isDurable);
        lock (_gate)
        {
            _accepted += isDurable ? transactions : 0;
            Slot slot = Current();
            slot.Accepted += isDurable ? transactions : 0;
            slot.Refused += isDurable ? 0 : transactions;
        }
    }

    /// <summary>Counts committed transactions.</summary>
    public void Written(in WrittenTransactions counts)
    {
        History.Written(counts);
        lock (_gate)
        {
            _written += counts.Scored + counts.Failed;
            Slot slot = Current();
            slot.Scored += counts.Scored;
            slot.Failed += counts.Failed;
            slot.Repeats += counts.Repeats;
            slot.Anomalies += counts.Anomalies;
        }
    }

    /// <summary>Records how long transactions took from their acceptance to their commit.</summary>
    /// <param name="acceptedAt">When each was accepted (UTC); the clock may be another machine's.</param>
    /// <param name="now">When they were committed (UTC).</param>
    public void Took(IReadOnlyList<DateTime> acceptedAt, DateTime now)
    {
        History.Took(acceptedAt, now);
        lock (_gate)
        {
            Slot slot = Current();

            // By index: an enumerator of the interface would be allocated for each batch.
            for (int i = 0; i < acceptedAt.Count; i++)
            {
                double value = Math.Max(0, (now - acceptedAt[i]).TotalSeconds);
                slot.Latencies[StepOf(value)]++;
                slot.Longest = Math.Max(slot.Longest, value);
            }
        }
    }

    /// <summary>What was done in the last while.</summary>
    /// <param name="period">Up to <see cref="Longest"/>; a whole number of tens of seconds.</param>
    public ActivityFigures Over(TimeSpan period)
    {
        lock (_gate)
        {
            TimeSpan up = _time.GetElapsedTime(_startedAt);
            long now = Number();
            Slot[] recent = [.. _slots.Where(slot => slot.Number > now - (long)(period.TotalSeconds / SlotSeconds) && slot.Number <= now)];

            // The current slot has just begun, so that the time covered is up to a slot less than the period.
            double covered = period.TotalSeconds - SlotSeconds + (up.TotalSeconds % SlotSeconds);
            long[] latencies = [.. Enumerable.Range(0, Steps).Select(step => recent.Sum(slot => (long)slot.Latencies[step]))];
            double longest = recent.Select(slot => slot.Longest).DefaultIfEmpty().Max();
            return new ActivityFigures(
                Math.Max(0.001, Math.Min(covered, up.TotalSeconds)),
                recent.Sum(slot => slot.Accepted), recent.Sum(slot => slot.Refused), recent.Sum(slot => slot.Scored), recent.Sum(slot => slot.Failed),
                recent.Sum(slot => slot.Repeats), recent.Sum(slot => slot.Anomalies),
                latencies.Sum() == 0
                    ? null
                    : new LatencyFigures(
                        Math.Min(longest, Percentile(latencies, 0.5)), Math.Min(longest, Percentile(latencies, 0.95)),
                        Math.Min(longest, Percentile(latencies, 0.99)), longest));
        }
    }

    internal static int StepOf(double seconds) =>
        seconds <= 0.001 ? 0 : Math.Min(Steps - 1, (int)Math.Ceiling(Math.Log2(seconds * 1000) * StepsPerOctave));

    // The upper end of the step in which the percentile lies.
    internal static double Percentile(long[] latencies, double part)
    {
        long before = 0;
        long wanted = (long)Math.Ceiling(latencies.Sum() * part);
        int step = 0;
        while (step < Steps - 1 && (before += latencies[step]) < wanted)
        {
            step++;
        }

        return 0.001 * Math.Pow(2, (double)step / StepsPerOctave);
    }

    private long Number() => (long)(_time.GetElapsedTime(_startedAt).TotalSeconds / SlotSeconds);

    private Slot Current()
    {
        long number = Number();
        Slot slot = _slots[number % Slots];
        if (slot.Number != number)
        {
            slot.Clear(number);
        }

        return slot;
    }

    private sealed class Slot
    {
        public long Number { get; private set; } = -1;

        public long Accepted { get; set; }

        public long Refused { get; set; }

        public long Scored { get; set; }

        public long Failed { get; set; }

        public long Repeats { get; set; }

        public long Anomalies { get; set; }

        public double Longest { get; set; }

        public int[] Latencies { get; } = new int[Steps];

        public void Clear(long number)
        {
            Number = number;
            Accepted = Refused = Scored = Failed = Repeats = Anomalies = 0;
            Longest = 0;
            Array.Clear(Latencies);
        }
    }
}

/// <summary>What a process did in a while.</summary>
/// <param name="Seconds">How long the while was; greater than 0.</param>
/// <param name="Accepted">Transactions that became durable on the inbound queue.</param>
/// <param name="Refused">Transactions whose send failed.</param>
/// <param name="Scored">Rows that became scored.</param>
/// <param name="Failed">Transactions given up as failed.</param>
/// <param name="Repeats">Transactions whose row existed already.</param>
/// <param name="Anomalies">New alerts in the outbox.</param>
/// <param name="Latency">From acceptance to the commit of the row; null: nothing was scored.</param>
internal sealed record ActivityFigures(
    double Seconds, long Accepted, long Refused, long Scored, long Failed, long Repeats, long Anomalies, LatencyFigures? Latency);

/// <summary>Percentiles in seconds, each to some nine in a hundred, and the longest time.</summary>
internal sealed record LatencyFigures(double Median, double P95, double P99, double Longest);
