using System.Collections.Concurrent;
using System.Globalization;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace FinanceIngest.Chaos.Faults;

/// <summary>A proxy to Azurite that can put single queues out of reach by cutting the connections of their requests.</summary>
internal sealed class QueueProxy : IAsyncDisposable
{
    private static readonly HashSet<string> s_hopByHop = new(StringComparer.OrdinalIgnoreCase) { "Connection", "Keep-Alive", "Transfer-Encoding", "Host" };
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, ActivityHeadersPropagator = null });
    private readonly ConcurrentDictionary<string, bool> _down = new(StringComparer.Ordinal);
    private readonly string _target;
    private readonly WebApplication _app;

    public QueueProxy(int target)
    {
        _target = $"http://127.0.0.1:{target.ToString(CultureInfo.InvariantCulture)}";
        Port = ServiceProcess.FreePort();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{Port.ToString(CultureInfo.InvariantCulture)}");
        _app = builder.Build();
        _app.Run(ForwardAsync);
    }

    public int Port { get; }

    public Task StartAsync(CancellationToken cancellationToken) => _app.StartAsync(cancellationToken);

    /// <summary>Puts the queue out of reach until the result is disposed.</summary>
    public IAsyncDisposable TakeDown(string queue)
    {
        _down[queue] = true;
        return new Outage(() => _down.TryRemove(queue, out _));
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        string[] path = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path.Length > 1 && _down.ContainsKey(path[1]))
        {
            context.Abort();
            return;
        }

        // The request is forwarded unchanged, because its signature covers path, query and headers.
        using var request = new HttpRequestMessage(
            new HttpMethod(context.Request.Method), _target + context.Features.Get<IHttpRequestFeature>()!.RawTarget);
        if (context.Request.ContentLength is not null)
        {
            request.Content = new StreamContent(context.Request.Body);
        }

        foreach ((string name, StringValues values) in context.Request.Headers.Where(header => !s_hopByHop.Contains(header.Key)))
        {
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        try
        {
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            foreach ((string name, IEnumerable<string> values) in response.Headers
                .Concat(response.Content.Headers)
                .Where(header => !s_hopByHop.Contains(header.Key)))
            {
                context.Response.Headers[name] = values.ToArray();
            }

            await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException || ConnectionFailure.IsOne(e))
        {
            // Azurite is down, or the program was killed.
            context.Abort();
        }
    }
}
