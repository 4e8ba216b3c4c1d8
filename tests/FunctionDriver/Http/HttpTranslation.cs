using System.Diagnostics;
using System.Globalization;
using FinanceIngest.FunctionDriver.Protocol;
using Google.Protobuf;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Primitives;

namespace FinanceIngest.FunctionDriver.Http;

/// <summary>Translates HTTP into messages of the protocol and back, with the losses that the Functions host causes.</summary>
internal static class HttpTranslation
{
    /// <summary>Translates a request into an invocation of the function.</summary>
    public static async Task<InvocationRequest> ToInvocationAsync(HttpFunction function, HttpContext context)
    {
        HttpRequest request = context.Request;
        var http = new RpcHttp { Method = request.Method, Url = request.GetEncodedUrl() };
        foreach ((string name, StringValues value) in request.Headers)
        {
            http.NullableHeaders.Add(name.ToLowerInvariant(), new NullableString { Value = value.ToString() });
        }

        // The Functions host reads a body only when the request has a Content-Length: a chunked body never reaches the worker.
        if (request.ContentLength > 0)
        {
            http.Body = new TypedData { Bytes = await ByteString.FromStreamAsync(request.Body, context.RequestAborted) };
        }

        var invocation = new InvocationRequest
        {
            InvocationId = Guid.NewGuid().ToString(),
            FunctionId = function.Id,
            TraceContext = TraceOf(request),
            InputData = { new ParameterBinding { Name = function.Trigger, Data = new TypedData { Http = http } } },
        };
        foreach ((string name, object? value) in request.RouteValues)
        {
            invocation.TriggerMetadata.Add(name, new TypedData { String = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "" });
        }

        return invocation;
    }

    /// <summary>Writes the function's answer as the HTTP response.</summary>
    public static async Task WriteAsync(RpcHttp answer, HttpContext context)
    {
        HttpResponse response = context.Response;
        response.StatusCode = int.Parse(answer.StatusCode, CultureInfo.InvariantCulture);
        foreach ((string name, string value) in answer.Headers)
        {
            response.Headers[name] = value;
        }

        if (answer.Body?.Bytes is { IsEmpty: false } body)
        {
            await response.Body.WriteAsync(body.Memory, context.RequestAborted);
        }
    }

    // The Functions host opens its own span for every request, as a child of the sender's span if the request carries one.
    private static RpcTraceContext TraceOf(HttpRequest request) => new()
    {
        TraceParent = request.Headers.TraceParent.FirstOrDefault() ?? $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00",
        TraceState = request.Headers.TraceState.FirstOrDefault() ?? "",
    };
}
