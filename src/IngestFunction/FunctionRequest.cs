using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;

namespace FinanceIngest.IngestFunction;

/// <summary>The Azure Functions head's translation of requests and responses.</summary>
internal sealed partial class FunctionRequest(HttpRequestData request) : ApiRequest
{
    public override string Method => request.Method.ToUpperInvariant();

    // An encoded slash stays encoded, as Kestrel leaves it: it is part of a segment and ends none.
    public override string Path => Uri.UnescapeDataString(EncodedSlash().Replace(request.Url.AbsolutePath, "%25$1"));

    // The host has read the body already; its announced length adds nothing.
    public override long? ContentLength => request.Body.CanSeek ? request.Body.Length : null;

    public override Stream Body => request.Body;

    // The platform's key says that a caller may submit and read.
    public override bool CommandsNeedToken => true;

    public override string? Header(string name) =>
        request.Headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(", ", values) : null;

    public override string QueryText => request.Url.Query;

    /// <summary>Answers with the API, which turns every failure into a problem: nothing escapes to become an empty 500.</summary>
    public static async Task<HttpResponseData> AnswerAsync(Api api, HttpRequestData request, CancellationToken cancellationToken)
    {
        using var head = new FunctionRequest(request);

        // The host's own span where it has one, else the sender's.
        TraceContext? trace = request.FunctionContext.TraceContext;
        bool hasTrace = W3CTrace.Read(trace?.TraceParent) is not null;
        using Activity? activity = RequestTrace.Start(
            head.Method, hasTrace ? trace!.TraceParent : head.Header("traceparent"), hasTrace ? trace!.TraceState : head.Header("tracestate"));
        ApiResponse answer = await api.HandleAsync(head, cancellationToken);
        HttpResponseData response = request.CreateResponse((HttpStatusCode)answer.Status);
        response.Headers.Add("Content-Type", answer.ContentType);
        foreach ((string name, string value) in ResponseHeaders.Always)
        {
            response.Headers.Add(name, value);
        }

        if (request.Url.Scheme == Uri.UriSchemeHttps && !request.Url.IsLoopback)
        {
            response.Headers.Add(ResponseHeaders.StrictTransport.Name, ResponseHeaders.StrictTransport.Value);
        }

        foreach ((string name, string value) in answer.Headers)
        {
            response.Headers.Remove(name);
            response.Headers.Add(name, value);
        }

        await response.Body.WriteAsync(answer.Body, cancellationToken);
        return response;
    }

    [GeneratedRegex("%(2f)", RegexOptions.IgnoreCase)]
    private static partial Regex EncodedSlash();
}
