using System.Net.Http.Headers;
using FinanceIngest.Ground;

namespace FinanceIngest.Bench.Load;

/// <summary>
/// Somebody who has the page open at "Now": the stream of figures and anomalies is held and read, and whenever figures come ten seconds or more after the last
/// time, the last hour and day are asked for, as <c>now.js</c> does.
/// </summary>
internal sealed class Viewer : IAsyncDisposable
{
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromSeconds(10);

    // A process that is held by SIGSTOP answers nobody for a while.
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromMilliseconds(500);

    private readonly HttpClient _http;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _isWatching = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _work;
    private long _events;
    private long _polls;

    private Viewer(Uri server)
    {
        _http = new HttpClient { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
        _work = WatchAsync();
    }

    /// <summary>Events that were received.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>How often the last hour and day were asked for.</summary>
    public long Polls => Interlocked.Read(ref _polls);

    /// <summary>Opens the page, and returns when the first figures have come.</summary>
    public static async Task<Viewer> OpenAsync(Uri server, CancellationToken cancellationToken)
    {
        var viewer = new Viewer(server);
        await viewer._isWatching.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
        return viewer;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (ConnectionFailure.IsOne(e))
            {
                await Task.Delay(s_retryAfter, CancellationToken.None);
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/events?types=status,anomaly");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using HttpResponseMessage answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        answer.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellationToken));
        long? polledAt = null;
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("event: ", StringComparison.Ordinal))
            {
                continue;
            }

            Interlocked.Increment(ref _events);
            _isWatching.TrySetResult();
            if (line == "event: status" && (polledAt is not { } at || TimeProvider.System.GetElapsedTime(at) >= s_pollEvery))
            {
                polledAt = TimeProvider.System.GetTimestamp();
                await _http.GetByteArrayAsync("api/status/history", cancellationToken);
                Interlocked.Increment(ref _polls);
            }
        }
    }
}
