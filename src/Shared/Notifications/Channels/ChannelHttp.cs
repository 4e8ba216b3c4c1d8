using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;

namespace FinanceIngest.Notifications.Channels;

/// <summary>The clients of the channels that speak HTTP, and what their answers mean. No client follows a redirect or keeps a cookie.</summary>
internal sealed class ChannelHttp : IDisposable
{
    private readonly TimeProvider _time;

    /// <param name="time">The clock of time limits.</param>
    /// <param name="connector">Connects to addresses that users supplied.</param>
    /// <param name="configure">Changes a handler before its first use; for tests.</param>
    public ChannelHttp(TimeProvider time, GuardedConnector connector, Action<SocketsHttpHandler>? configure = null)
    {
        _time = time;
        SocketsHttpHandler own = NewHandler();
        configure?.Invoke(own);
        Own = NewClient(own);

        SocketsHttpHandler guarded = NewHandler();
        guarded.ConnectCallback = connector.ConnectAsync;

        // A proxy would resolve the name by itself, and connect to whatever comes of it.
        guarded.UseProxy = false;

        // The trace of a transaction is nothing to a stranger.
        guarded.ActivityHeadersPropagator = null;
        configure?.Invoke(guarded);
        Guarded = NewClient(guarded);
    }

    /// <summary>The client for addresses that the operator set.</summary>
    public HttpClient Own { get; }

    /// <summary>The client for addresses that users supplied.</summary>
    public HttpClient Guarded { get; }

    /// <summary>Sends a request to an address of the operator's, and says what its answer means.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled it.</exception>
    public async Task<SendOutcome> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using AttemptLimit limit = Limit(cancellationToken);
        try
        {
            using HttpResponseMessage response = await Own.SendAsync(request, limit.Token);
            return Meaning(response.StatusCode, response.Headers.RetryAfter);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && IsFailure(e))
        {
            return new SendOutcome(SendResult.ChannelFailed, Describe(e));
        }
    }

    /// <summary>A token that is cancelled with the caller's, and when an attempt has taken too long.</summary>
    public AttemptLimit Limit(CancellationToken cancellationToken) => new(_time, cancellationToken);

    /// <summary>Whether an exception says that an attempt failed, and not that this program is wrong.</summary>
    public static bool IsFailure(Exception e) => e is OperationCanceledException || ConnectionFailure.IsOne(e);

    /// <summary>Describes a failure in one line that has no address and no data in it.</summary>
    public static string Describe(Exception e) => e switch
    {
        OperationCanceledException => $"No answer within {Deadlines.NotifySend.TotalSeconds:0} s.",
        _ when Find<ForbiddenAddressException>(e) is { } forbidden => forbidden.Message,
        _ when Find<SocketException>(e) is { } socket => $"The connection failed: {socket.SocketErrorCode}.",
        HttpRequestException http => $"The request failed: {http.HttpRequestError}.",
        _ => $"The request failed: {e.GetType().Name}.",
    };

    /// <summary>The pause that an answer asks for.</summary>
    public TimeSpan? Wanted(RetryConditionHeaderValue? header) =>
        header?.Delta ?? (header?.Date is { } date && date - _time.GetUtcNow() is var pause && pause > TimeSpan.Zero ? pause : null);

    // What only this message can be blamed for fails alone; whatever every message would meet is a failure of the channel.
    private SendOutcome Meaning(HttpStatusCode status, RetryConditionHeaderValue? retryAfter)
    {
        int code = (int)status;
        string problem = $"The receiver answered {code}.";
        return code switch
        {
            >= 200 and < 300 => SendOutcome.Delivered,
            410 => new SendOutcome(SendResult.Refused, problem),
            400 or 413 or 415 or 422 => new SendOutcome(SendResult.Failed, problem),
            >= 300 and < 400 => new SendOutcome(SendResult.ChannelFailed, $"The receiver answered {code}; redirects are not followed."),
            _ => new SendOutcome(SendResult.ChannelFailed, problem, Wanted(retryAfter)),
        };
    }

    private static T? Find<T>(Exception? e)
        where T : Exception
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is T found)
            {
                return found;
            }
        }

        return null;
    }

    private static SocketsHttpHandler NewHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        MaxResponseHeadersLength = 64,
        MaxResponseDrainSize = 0,
    };

    private static HttpClient NewClient(SocketsHttpHandler handler) => new(new BoundedAnswers(handler)) { Timeout = Timeout.InfiniteTimeSpan };

    /// <inheritdoc/>
    public void Dispose()
    {
        Own.Dispose();
        Guarded.Dispose();
    }
}
