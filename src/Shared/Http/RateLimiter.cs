using System.Collections.Concurrent;

namespace FinanceIngest.Http;

/// <summary>
/// Limits what each caller does per minute, by the generic cell rate algorithm (ITU-T I.371): a full minute's allowance may be used in one burst, after
/// which one unit is accepted every 60 s / limit.
/// </summary>
/// <param name="perMinute">Units per minute and caller; null: there is no limit.</param>
/// <param name="time">The clock.</param>
internal sealed class RateLimiter(int? perMinute, TimeProvider time)
{
    // A cell that is full again says nothing, so the memory of a limiter is bounded by dropping such cells, and then by letting further callers share one.
    private const int MaximumCells = 10_000;
    private const string Others = "(others)";

    // Time is taken from the monotonic clock: were the wall clock set back by an hour, every caller would be refused for that hour.
    private readonly long _startedAt = time.GetTimestamp();
    private readonly ConcurrentDictionary<string, Cell> _cells = new(StringComparer.Ordinal);

    /// <summary>Counts a request of a caller.</summary>
    /// <param name="key">The caller.</param>
    /// <param name="weight">How many units the request is; more than a minute's allowance counts as a minute's allowance. 0 counts nothing.</param>
    /// <param name="what">What is used up, as the beginning of a sentence.</param>
    /// <exception cref="ProblemException">429, with the seconds until the request would be accepted; nothing was counted.</exception>
    public void Count(string key, int weight = 1, string what = "This key's limit is used up")
    {
        if (perMinute is not { } limit || weight == 0)
        {
            return;
        }

        Cell cell = CellOf(key);
        lock (cell)
        {
            long now = Now;
            long cost = TimeSpan.TicksPerMinute / limit * Math.Min(weight, limit);
            long arrival = Math.Max(cell.TheoreticalArrival, now);
            long wait = arrival - now - (TimeSpan.TicksPerMinute - cost);
            if (wait > 0)
            {
                throw Problems.RateLimited(what, (int)Math.Ceiling((double)wait / TimeSpan.TicksPerSecond));
            }

            cell.TheoreticalArrival = arrival + cost;
        }
    }

    private long Now => time.GetElapsedTime(_startedAt).Ticks;

    private Cell CellOf(string key)
    {
        if (_cells.TryGetValue(key, out Cell? known))
        {
            return known;
        }

        if (_cells.Count >= MaximumCells)
        {
            long now = Now;
            foreach ((string idle, Cell cell) in _cells)
            {
                if (cell.TheoreticalArrival <= now)
                {
                    _cells.TryRemove(idle, out _);
                }
            }
        }

        return _cells.GetOrAdd(_cells.Count < MaximumCells ? key : Others, _ => new Cell());
    }

    private sealed class Cell
    {
        public long TheoreticalArrival { get; set; }
    }
}
