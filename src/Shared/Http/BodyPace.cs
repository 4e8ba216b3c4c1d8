namespace FinanceIngest.Http;

/// <summary>
/// Reads the rest of a large body at a minimum rate and without long pauses, because the part that has arrived is held in memory meanwhile. Kestrel's own
/// minimum rate is an average since the start of the body: a client that sent a mebibyte at once could then be silent for a quarter of an hour.
/// </summary>
internal sealed class BodyPace : IDisposable
{
    private const double BytesPerSecond = 32 * 1024;
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(15);

    private readonly TimeProvider _time;
    private readonly CancellationToken _request;
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenRegistration _registration;
    private TimeSpan _left = s_longest;

    /// <param name="time">The clock of the pauses.</param>
    /// <param name="request">Cancelled when the request is aborted.</param>
    public BodyPace(TimeProvider time, CancellationToken request)
    {
        _time = time;
        _request = request;
        _end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _registration = request.UnsafeRegister(end => ((CancellationTokenSource)end!).Cancel(), _end);
    }

    /// <summary>Reads the next bytes of the body; 0 at its end.</summary>
    /// <exception cref="ProblemException">408: too little has arrived for too long.</exception>
    public async ValueTask<int> ReadAsync(Stream body, Memory<byte> buffer)
    {
        ValueTask<int> reading = body.ReadAsync(buffer, _end.Token);
        if (reading.IsCompletedSuccessfully)
        {
            return Credit(await reading);
        }

        long begun = _time.GetTimestamp();
        _end.CancelAfter(_left);
        try
        {
            int read = await reading;
            _end.CancelAfter(Timeout.InfiniteTimeSpan);
            _left -= _time.GetElapsedTime(begun);
            return Credit(read);
        }
        catch (OperationCanceledException) when (!_request.IsCancellationRequested)
        {
            throw new ProblemException(new Problem(
                408, "too-slow", "The request came too slowly.", "The part of the body that had arrived was discarded; nothing was accepted."));
        }
    }

    public void Dispose()
    {
        _registration.Dispose();
        _end.Dispose();
    }

    // Every byte that arrives buys time for the next read, up to the longest pause.
    private int Credit(int read)
    {
        TimeSpan left = _left + TimeSpan.FromSeconds(read / BytesPerSecond);
        _left = left < s_longest ? (left > TimeSpan.Zero ? left : TimeSpan.Zero) : s_longest;
        return read;
    }
}
