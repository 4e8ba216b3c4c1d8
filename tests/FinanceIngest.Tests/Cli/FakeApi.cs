using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Tests.Cli;

/// <summary>The HTTP API in a test's hands: answers batches from a script, and after its end accepts everything.</summary>
internal sealed class FakeApi(TimeProvider time) : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private readonly Queue<Func<string[], HttpResponseMessage>> _script = [];

    /// <summary>Batches received, each with its lines.</summary>
    public List<string[]> Batches { get; } = [];

    /// <summary>When they came.</summary>
    public List<DateTimeOffset> Times { get; } = [];

    /// <summary>The last request's headers.</summary>
    public HttpRequestHeaders? Headers { get; private set; }

    /// <summary>All rows received, parsed.</summary>
    public IEnumerable<JsonElement> Rows => Batches.SelectMany(lines => lines).Select(line => JsonDocument.Parse(line).RootElement);

    /// <summary>The rows' idempotency keys.</summary>
    public IEnumerable<string?> Keys => Rows.Select(row => row.GetProperty("idempotency_key").GetString());

    /// <summary>Answers a status question: its ids to the result objects.</summary>
    public Func<Guid[], IEnumerable<string>> Status { get; set; } = ids => ids.Select(id => $$"""{"id":"{{id}}","status":"scored","is_anomaly":false}""");

    /// <summary>The id of the n-th row of a batch.</summary>
    public static Guid IdOf(int index) => new(index + 1, 0, 0, new byte[8]);

    /// <summary>The next batch is answered so.</summary>
    public FakeApi Then(Func<string[], HttpResponseMessage> answer)
    {
        _script.Enqueue(answer);
        return this;
    }

    /// <summary>The next batch is answered with a problem.</summary>
    public FakeApi ThenProblem(HttpStatusCode status, string detail, RetryConditionHeaderValue? retryAfter = null) => Then(_ =>
    {
        HttpResponseMessage response = Json(status, $$"""{"type":"urn:x","title":"a title","status":{{(int)status}},"detail":"{{detail}}"}""");
        response.Headers.RetryAfter = retryAfter;
        return response;
    });

    /// <summary>Everything accepted but for these.</summary>
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
