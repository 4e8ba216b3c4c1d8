using System.Collections.Concurrent;

namespace FinanceIngest.Http;

/// <summary>
/// Limits the requests of each caller per minute, by the generic cell rate algorithm (ITU-T I.371): a full minute's allowance may be used in one burst, after
/// which one request is accepted every 60 s / limit.
/// </summary>
/// <param name="perMinute">Requests per minute and caller; null: there is no limit.</param>
/// <param name="time">The clock.</param>
internal sealed class RateLimiter(int? perMinute, TimeProvider time)
{
    // Time is taken from the monotonic clock: were the wall clock set back by an hour, every caller would be refused for that hour.
    private readonly long _startedAt = time.GetTimestamp();
    private readonly ConcurrentDictionary<string, Cell> _cells = new(StringComparer.Ordinal);

    /// <summary>Counts a request of a caller.</summary>
    /// <exception cref="ProblemException">429, with the seconds until the next request is accepted.</exception>
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
