using System.Net;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using OpenTelemetry.Trace;

namespace FinanceIngest.KestrelHead;

/// <summary>The Kestrel head, which translates between ASP.NET Core and the shared API.</summary>
public static partial class ApiHead
{
    // Wrong keys are not slowed down, since that would let anybody lock others out. So a secret must be too long to guess.
    private const int ShortestSecret = 16;

    private static HostName? s_lastHost;

    /// <summary>Adds a span for every request but those of health probes.</summary>
    public static void AddRequestSpans(TracerProviderBuilder tracing) =>
        tracing.AddAspNetCoreInstrumentation(options =>
        {
            options.Filter = context => !IsProbe(context.Request);

            // The query may contain a key and ids of persons, so it is never exported, whatever the instrumentation redacts by itself.
            options.EnrichWithHttpResponse = (span, _) => span.SetTag("url.query", null);
        });

    /// <summary>
    /// Answers every request with the API. An intake without keys is open to requests from this machine alone; a program that has health endpoints only answers
    /// probes from anywhere.
    /// </summary>
    public static void UseApi(this WebApplication app, Settings settings)
    {
        Api api = app.Services.GetRequiredService<Api>();
        bool open = !settings.HasCredentials && settings.Roles.HasFlag(Roles.Intake);
        if (open)
        {
            Log.Open(app.Logger);
        }

        foreach (ApiKeySetting key in settings.ApiKeys.Where(key => key.Secret.Length < ShortestSecret))
        {
            Log.ShortSecret(app.Logger, key.Name, ShortestSecret);
        }

        var forwarded = new ForwardedRequests(app.Services.GetRequiredService<TimeProvider>(), app.Logger);
        app.Run(async context =>
        {
            ConnectionPlaces.Place? place = context.Features.Get<ConnectionPlaces.Place>();
            if (place?.TryBegin() == false)
            {
                context.Abort();
                return;
            }

            try
            {
                // The request is disposed after its answer is written, so the memory of a client that reads slowly stays counted.
                using var request = new KestrelRequest(context.Request);
                ApiResponse response = open && Refusal(context, forwarded) is { } refusal ? ApiResponse.From(refusal.Problem)
                    : place is { IsReserved: true } && !IsProbe(context.Request) ? NoPlace(context)
                    : await api.HandleAsync(request, context.RequestAborted);
                await WriteAsync(context, response);
            }
            finally
            {
                place?.End();
            }
        });
    }

    private static bool IsProbe(HttpRequest request) => request.Path.Value is "/healthz" or "/readyz";

    // Every connection has a request in hand, and this one came beyond the limit.
    private static ApiResponse NoPlace(HttpContext context)
    {
        context.Response.Headers.Connection = "close";
        return ApiResponse.From(Problems.Unavailable("overloaded", "This process has all the connections it can; nothing was accepted.", 1).Problem);
    }

    private static async Task WriteAsync(HttpContext context, ApiResponse response)
    {
        context.Response.StatusCode = response.Status;
        bool hasBody = response.Status != StatusCodes.Status204NoContent;
        context.Response.ContentType = hasBody ? response.ContentType : null;
        context.Response.ContentLength = hasBody && response.Following is null ? response.Body.Length : null;
        foreach ((string name, string value) in ResponseHeaders.Always)
        {
            context.Response.Headers[name] = value;
        }

        if (context.Request.IsHttps && !IsNameOfThisMachine(context.Request))
        {
            context.Response.Headers.StrictTransportSecurity = ResponseHeaders.StrictTransport.Value;
        }

        foreach ((string name, string value) in response.Headers)
        {
            context.Response.Headers[name] = value;
        }

        await using IAnswerStream? following = response.Following;
        if (!hasBody || HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        if (following is null)
        {
            await context.Response.Body.WriteAsync(response.Body, context.RequestAborted);
            return;
        }

        try
        {
            await following.WriteAsync(context.Response.Body, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone, which is how such an answer usually ends.
        }
    }

    private static ProblemException? Refusal(HttpContext context, ForwardedRequests forwarded) =>
        !IsLocal(context) ? Problems.ForeignHost()
        : forwarded.IsOne(context.Request.Headers) ? Problems.Forwarded()
        : null;

    // A foreign page can make a browser send requests here under a name of its own (DNS rebinding), so only names of this machine are accepted.
    private static bool IsLocal(HttpContext context)
    {
        return IsNameOfThisMachine(context.Request)
            && (context.Connection.RemoteIpAddress is not { } remote || IPAddress.IsLoopback(remote));
    }

    private static bool IsNameOfThisMachine(HttpRequest request)
    {
        // Consecutive requests usually carry the same Host, so the last verdict is kept.
        string? name = request.Host.Value;
        if (s_lastHost is { } last && last.Name == name)
        {
            return last.IsLocal;
        }

        bool isLocal = IsNameOfThisMachine(request.Host.Host.Trim('[', ']'));
        s_lastHost = name is null ? null : new HostName(name, isLocal);
        return isLocal;
    }

    private static bool IsNameOfThisMachine(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));

    private sealed record HostName(string Name, bool IsLocal);

    private sealed class KestrelRequest(HttpRequest request) : ApiRequest
    {
        public override string Method => request.Method;

        public override string Path => request.Path.Value ?? "/";

        public override long? ContentLength => request.ContentLength;

        public override Stream Body => new GuardedBody(request.Body);

        public override IPAddress? RemoteAddress => request.HttpContext.Connection.RemoteIpAddress;

        public override string? Header(string name) =>
            !request.Headers.TryGetValue(name, out StringValues values) ? null
            : values.Count == 1 ? values[0]
            : string.Join(", ", values.ToArray());

        public override string QueryText => request.QueryString.Value ?? "";
    }

    private static partial class Log
    {
        [LoggerMessage(
            LogLevel.Warning,
            "No API keys are configured: everybody on this machine has every scope. Set FinanceIngest__ApiKeys__NAME__Secret to change that.")]
        public static partial void Open(ILogger logger);

        [LoggerMessage(
            LogLevel.Warning,
            "FinanceIngest__ApiKeys__{Name}__Secret has fewer than {Characters} characters and can be guessed: make one with 'openssl rand -base64 32'.")]
        public static partial void ShortSecret(ILogger logger, string name, int characters);
    }
}
