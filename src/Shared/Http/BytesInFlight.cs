namespace FinanceIngest.Http;

/// <summary>
/// What all requests of this process hold together, bounded: bodies as far as they have come, transactions that wait for their send, answers
/// that are being read. Who would go beyond is refused at once and never queued, so that half-read bodies can't wait for each other.
/// </summary>
/// <param name="limit">Bytes; see <see cref="Configuration.Settings.MaximumBytesInFlight"/>.</param>
/// <param name="time">Clock of the rate.</param>
internal sealed class BytesInFlight(long limit, TimeProvider time)
{
    /// <summary>A request that holds no more than this is small.</summary>
    public const long Small = 64 * 1024;

    private const int MaximumSeconds = 60;
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(5);

    // The last eighth is for small requests: single transactions pass where batches are refused.
    private readonly long _limitOfLarge = limit - (limit / 8);
    private readonly Lock _gate = new();
    private long _taken;
    private long _givenBack;
    private Sample? _since;
    private Sample? _recent;
    private long _notedAt;

    /// <summary>Bytes.</summary>
    public long Limit => limit;

    /// <summary>Clock of whatever is held.</summary>
    public TimeProvider Time => time;

    /// <summary>Bytes that are held at the moment.</summary>
    public long Current => Volatile.Read(ref _taken) - Volatile.Read(ref _givenBack);

    /// <summary>Takes bytes for a request that holds some already; false, and nothing is taken, when that is more than this process may hold.</summary>
    public bool TryTake(long bytes, long held)
    {
        long current = Interlocked.Add(ref _taken, bytes) - Volatile.Read(ref _givenBack);
        if (current > limit / 2)
        {
            Note();
        }

        if (current <= (held + bytes <= Small ? limit : _limitOfLarge))
        {
            return true;
        }

        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    /// <summary>Gives bytes back.</summary>
    public void GiveBack(long bytes) => Interlocked.Add(ref _givenBack, bytes);

    /// <summary>
    /// 1 … 60: seconds in which, at the rate of the last seconds, half of the limit is free again; while nothing is given back, as long as that has been so.
    /// </summary>
    public int RetryAfterSeconds
    {
        get
        {
            lock (_gate)
            {
                if (_since is not { } since)
                {
                    return 1;
                }

                double seconds = time.GetElapsedTime(since.At).TotalSeconds;
                long givenBack = Volatile.Read(ref _givenBack) - since.GivenBack;
                double wait = givenBack <= 0 ? seconds : (Current - (limit / 2)) * seconds / givenBack;
                return (int)Math.Clamp(Math.Ceiling(wait), 1, MaximumSeconds);
            }
        }
    }

    // Runs only while more than half is held: the clock costs requests nothing otherwise. The rate is that of the last five to ten seconds. A stand-still
    // keeps its beginning; times in between when it was not full say nothing.
    private void Note()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            long givenBack = Volatile.Read(ref _givenBack);
            if (_recent is null || (givenBack != _recent.GivenBack && time.GetElapsedTime(_notedAt, now) > 2 * s_window))
            {
                _since = _recent = new Sample(now, givenBack);
            }
            else if (givenBack != _recent.GivenBack && time.GetElapsedTime(_recent.At, now) >= s_window)
            {
                _since = _recent;
                _recent = new Sample(now, givenBack);
            }

            _notedAt = now;
        }
    }

    private sealed record Sample(long At, long GivenBack);
}
