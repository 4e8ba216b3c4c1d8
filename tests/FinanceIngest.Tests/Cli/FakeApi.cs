using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Tests.Cli;

/// <summary>An HTTP API that the test scripts. It answers batches from the script, and accepts every batch after the script's end.</summary>
internal sealed class FakeApi(TimeProvider time) : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private readonly Queue<Func<string[], HttpResponseMessage>> _script = [];

    /// <summary>The lines of every batch received, batch by batch.</summary>
    public List<string[]> Batches { get; } = [];

    /// <summary>The queries of the requests that sent these.</summary>
    public List<string> Queries { get; } = [];

    /// <summary>The time at which each batch arrived.</summary>
    public List<DateTimeOffset> Times { get; } = [];

    /// <summary>The headers of the last request.</summary>
    public HttpRequestHeaders? Headers { get; private set; }

    /// <summary>Every row received, parsed as JSON.</summary>
    public IEnumerable<JsonElement> Rows => Batches.SelectMany(lines => lines).Select(line => JsonDocument.Parse(line).RootElement);

    /// <summary>The idempotency key of every row received; null where a row has a null key.</summary>
    public IEnumerable<string?> Keys => Rows.Select(row => row.GetProperty("idempotency_key").GetString());

    /// <summary>Makes the answer to a status request: it takes the requested ids and returns the result objects as JSON.</summary>
    public Func<Guid[], IEnumerable<string>> Status { get; set; } = ids => ids.Select(id => $$"""{"id":"{{id}}","status":"scored","is_anomaly":false}""");

    /// <summary>Returns the id that the API gives to the row at this index of a batch, counted from 0.</summary>
    public static Guid IdOf(int index) => new(index + 1, 0, 0, new byte[8]);

    /// <summary>Adds an answer to the script.</summary>
    public FakeApi Then(Func<string[], HttpResponseMessage> answer)
    {
        _script.Enqueue(answer);
        return this;
    }

    /// <summary>Adds a problem response to the script.</summary>
    public FakeApi ThenProblem(HttpStatusCode status, string detail, RetryConditionHeaderValue? retryAfter = null) => Then(_ =>
    {
        HttpResponseMessage response = Json(status, $$"""{"type":"urn:x","title":"a title","status":{{(int)status}},"detail":"{{detail}}"}""");
        response.Headers.RetryAfter = retryAfter;
        return response;
    });

    /// <summary>Makes a response that accepts every line except the rejected ones.</summary>
    public static HttpResponseMessage Accept(string[] lines, params (int Index, string Json)[] rejected)
    {
        IEnumerable<string> accepted = Enumerable.Range(0, lines.Length)
            .Where(i => !rejected.Any(item => item.Index == i))
            .Select(i => $$"""{"index":{{i}},"id":"{{IdOf(i)}}"}""");
        IEnumerable<string> others = rejected.Select(item => $$"""{"index":{{item.Index}},{{item.Json}}}""");
        return Json(HttpStatusCode.Accepted, $$"""{"accepted":[{{string.Join(',', accepted)}}],"rejected":[{{string.Join(',', others)}}]}""");
    }

    public static HttpResponseMessage Json(HttpStatusCode status, string text) =>
        new(status) { Content = new StringContent(text, Encoding.UTF8, "application/json") };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string body = await request.Content!.ReadAsStringAsync(cancellationToken);
        Assert.Equal(HttpMethod.Post, request.Method);
        Assert.NotNull(request.Content.Headers.ContentLength);
        lock (_gate)
        {
            Headers = request.Headers;
            return request.RequestUri!.AbsolutePath.EndsWith("/api/transactions/status", StringComparison.Ordinal)
                ? AnswerStatus(body)
                : AnswerBatch(request, body);
        }
    }

    private HttpResponseMessage AnswerBatch(HttpRequestMessage request, string body)
    {
        Assert.EndsWith("/api/transactions/batch", request.RequestUri!.AbsolutePath, StringComparison.Ordinal);
        Assert.Equal("application/x-ndjson", request.Content!.Headers.ContentType!.MediaType);
        string[] lines = body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Queries.Add(request.RequestUri!.Query);
        Batches.Add(lines);
        Times.Add(time.GetUtcNow());
        return _script.TryDequeue(out Func<string[], HttpResponseMessage>? answer) ? answer(lines) : Accept(lines);
    }

    private HttpResponseMessage AnswerStatus(string body)
    {
        Guid[] ids = [.. JsonDocument.Parse(body).RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetGuid())];
        return Json(HttpStatusCode.OK, $$"""{"results":[{{string.Join(',', Status(ids))}}]}""");
    }
}
