namespace FinanceIngest.Http;

/// <summary>
/// Bounds the memory that all requests of this process hold together: bodies as far as they have arrived, transactions that wait to be sent, and answers
/// that clients are reading. A request that would exceed the limit is refused at once and never queued, so that half-read bodies can't wait for each other.
/// </summary>
/// <param name="limit">The limit in bytes; see <see cref="Configuration.Settings.MaximumBytesInFlight"/>.</param>
/// <param name="time">The clock by which <see cref="RetryAfterSeconds"/> measures the rate.</param>
internal sealed class BytesInFlight(long limit, TimeProvider time)
{
    /// <summary>A request that holds at most this many bytes is small.</summary>
    public const long Small = 64 * 1024;

    private const int MaximumSeconds = 60;
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(5);

    // The last eighth is reserved for small requests, so that single transactions pass while batches are refused.
    private readonly long _limitOfLarge = limit - (limit / 8);
    private readonly Lock _gate = new();
    private long _taken;
    private long _givenBack;
    private Sample? _since;
    private Sample? _recent;
    private long _notedAt;

    /// <summary>The limit in bytes.</summary>
    public long Limit => limit;

    /// <summary>The clock of the requests that hold bytes.</summary>
    public TimeProvider Time => time;

    /// <summary>The bytes that are held at the moment.</summary>
    public long Current => Volatile.Read(ref _taken) - Volatile.Read(ref _givenBack);

    /// <summary>Takes bytes for a request that holds some already. False, with nothing taken, when the process would then hold more than it may.</summary>
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
    /// 1 … 60 seconds until half of the limit is free, estimated from the rate at which bytes were given back lately. While none are given back it is the time
    /// for which that has been so.
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

    // This runs only while more than half of the limit is held, so that other requests need not read the clock. The rate is measured over the last five to ten
    // seconds. The start of a standstill is kept; a measurement that began before a time with room is dropped, because it says nothing about now.
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
