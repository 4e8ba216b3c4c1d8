using System.Collections.Concurrent;

namespace FinanceIngest.Http;

/// <summary>
/// Requests per key and minute, as a generic cell rate algorithm (ITU-T I.371): a full minute's allowance may come in one burst,
/// then one request per 60 s / limit.
/// </summary>
internal sealed class RateLimiter(int? perMinute, TimeProvider time)
{
    // Counted on the clock that nobody sets: one put back by an hour would else refuse everybody for that hour.
    private readonly long _startedAt = time.GetTimestamp();
    private readonly ConcurrentDictionary<string, Cell> _cells = new(StringComparer.Ordinal);

    /// <summary>Counts a request.</summary>
    /// <exception cref="ProblemException">429, with the seconds until the next request is taken.</exception>
    public void Count(string key)
    {
        if (perMinute is not { } limit)
        {
            return;
        }

        Cell cell = _cells.GetOrAdd(key, _ => new Cell());
        lock (cell)
        {
            long now = time.GetElapsedTime(_startedAt).Ticks;
            long arrival = Math.Max(cell.TheoreticalArrival, now);
            if (arrival - now > TimeSpan.TicksPerMinute - (TimeSpan.TicksPerMinute / limit))
            {
                long wait = arrival - now - (TimeSpan.TicksPerMinute - (TimeSpan.TicksPerMinute / limit));
                throw Problems.RateLimited((int)Math.Ceiling((double)wait / TimeSpan.TicksPerSecond));
            }

            cell.TheoreticalArrival = arrival + (TimeSpan.TicksPerMinute / limit);
        }
    }

    private sealed class Cell
    {
        public long TheoreticalArrival { get; set; }
    }
}
