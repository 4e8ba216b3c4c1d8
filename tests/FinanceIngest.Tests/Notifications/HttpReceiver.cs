using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Notifications;

/// <summary>An HTTP server on loopback that keeps every request.</summary>
internal sealed class HttpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();

    private HttpReceiver()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.Run(AnswerAsync);
    }

    public string Address => _app.Urls.First();

    public IReadOnlyList<ReceivedRequest> Requests => [.. _requests];

    /// <summary>The requests that were answered with 200.</summary>
    public IReadOnlyList<ReceivedRequest> Taken => [.. _requests.Where(request => request.Answer == 200)];

    /// <summary>Decides the status of an answer.</summary>
    public Func<ReceivedRequest, int> OnRequest { get; set; } = _ => 200;

    /// <summary>Writes headers and body of an answer.</summary>
    public Func<HttpContext, Task> Write { get; set; } = _ => Task.CompletedTask;

    public static async Task<HttpReceiver> StartAsync()
    {
        var receiver = new HttpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var request = new ReceivedRequest(
            context.Request.Method, context.Request.Path + context.Request.QueryString,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
        request.Answer = OnRequest(request);
        _requests.Enqueue(request);
        context.Response.StatusCode = request.Answer;
        await Write(context);
    }
}

/// <summary>A request as a server got it.</summary>
internal sealed record ReceivedRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public int Answer { get; set; }

    public string Text => System.Text.Encoding.UTF8.GetString(Body);
}
