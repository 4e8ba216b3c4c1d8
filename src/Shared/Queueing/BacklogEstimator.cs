using FinanceIngest.Ground;

namespace FinanceIngest.Queueing;

/// <summary>
/// Estimates how many seconds a new transaction will wait, from the measured length of the inbound queue and the rate at which it drains. <c>Retry-After</c> says it. It samples the queue at most once in five seconds, and only while requests ask for it.
/// </summary>
/// <param name="inbound">The inbound queue.</param>
/// <param name="sentMessages">How many messages this process has put on it so far.</param>
/// <param name="time">Clock.</param>
internal sealed class BacklogEstimator(IMessageQueue inbound, Func<long> sentMessages, TimeProvider time)
{
    private const int MaximumSeconds = 60;
    private const int UnknownSeconds = 5;
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private Sample? _last;
    private Task _sampling = Task.CompletedTask;
    private volatile int _seconds = 1;

    /// <summary>The estimate, 1 … 60 seconds. Reading it never waits: it comes from the last sample, and the next sample is started.</summary>
    public int RetryAfterSeconds
    {
        get
        {
            lock (_gate)
            {
                if (_sampling.IsCompleted && (_last is null || time.GetElapsedTime(_last.At) >= s_interval))
                {
                    _sampling = Task.Run(SampleAsync);
                }
            }

            return _seconds;
        }
    }

    /// <summary>Seconds until a queue is empty.</summary>
    /// <param name="length">Messages on the queue; a single one may be the marker of unsent alerts and is no backlog.</param>
    /// <param name="sent">Messages that this process put there in the interval.</param>
    /// <param name="grown">By how many messages the queue grew in the interval.</param>
    /// <param name="interval">The interval.</param>
    public static int Estimate(long length, long sent, long grown, TimeSpan interval)
    {
        // Workers took off what this process sent less what the queue grew by. Other intakes send too: where this process sent nothing, the difference says nothing.
        long drained = sent - grown;
        return length <= 1 ? 1
        : drained <= 0 ? (sent > 0 ? MaximumSeconds : UnknownSeconds)
        : (int)Math.Clamp(Math.Ceiling(length * interval.TotalSeconds / drained), 1, MaximumSeconds);
    }

    private async Task SampleAsync()
    {
        try
        {
            long sent = sentMessages();
            QueueDepth depth = await inbound.GetDepthAsync(CancellationToken.None);
            var now = new Sample(time.GetTimestamp(), depth.Length, sent);
            lock (_gate)
            {
                // A first sample, and a sample after a long pause, has no rate.
                TimeSpan interval = _last is null ? TimeSpan.Zero : time.GetElapsedTime(_last.At, now.At);
                _seconds = interval == TimeSpan.Zero || interval > 6 * s_interval
                    ? (depth.Length <= 1 ? 1 : 2)
                    : Estimate(depth.Length, now.Sent - _last!.Sent, depth.Length - _last.Length, interval);
                _last = now;
            }
        }
        catch (QueueUnavailableException)
        {
            lock (_gate)
            {
                _seconds = 5;
                _last = new Sample(time.GetTimestamp(), _last?.Length ?? 0, sentMessages());
            }
        }
    }

    private sealed record Sample(long At, long Length, long Sent);
}
