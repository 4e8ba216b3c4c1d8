using System.Text;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

/// <summary>The rules that every route with a body shares: media type, charset, size, UTF-8.</summary>
public abstract class BodyTests(HeadFixture head)
{
    private const int Mebibyte = 1024 * 1024;

    public static TheoryData<string, string, string> Routes { get; } = new(
        ("POST", "/api/transactions", "{}"), ("POST", "/api/score-transaction", "{}"), ("POST", "/api/transactions/batch", "[]"),
        ("POST", "/api/transactions/status", "{}"), ("PUT", "/api/stats", "[]"));

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Only_JSON_in_UTF_8_is_taken(string method, string path, string body)
    {
        string[] mediaTypes =
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "text/json",
            "application/json-seq",
            "application/json; charset=iso-8859-1",
            "application/json; charset=utf-16",
        ];
        foreach (string mediaType in mediaTypes)
        {
            (await SendAsync(method, path, ApiClient.Content(body, mediaType))).IsProblem(415, "media-type");
        }

        var nameless = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        (await SendAsync(method, path, nameless)).IsProblem(415, "media-type");
        if (path is "/api/transactions" or "/api/transactions/status")
        {
            (await SendAsync(method, path, ApiClient.Content(body, "application/x-ndjson"))).IsProblem(415, "media-type");
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task JSON_goes_by_several_names(string method, string path, string body)
    {
        string[] mediaTypes =
        [
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "Application/JSON",
            "application/vnd.bank+json",
            "application/json; odata=verbose",
        ];
        foreach (string mediaType in mediaTypes)
        {
            (await SendAsync(method, path, ApiClient.Content(body, mediaType))).IsProblem(400, "validation");
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task An_encoded_body_is_415(string method, string path, string body)
    {
        Assert.SkipWhen(head.IsFunction, "the platform may decode it");
        ByteArrayContent content = ApiClient.Content(body);
        content.Headers.ContentEncoding.Add("gzip");
        (await SendAsync(method, path, content)).IsProblem(415, "media-type");
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_body_that_is_too_large_is_413(string method, string path, string body)
    {
        int limit = path is "/api/transactions/batch" or "/api/stats" ? 16 * Mebibyte : Mebibyte;
        (await SendAsync(method, path, ApiClient.Content(body.PadRight(limit)))).IsProblem(400, "validation");
        (await SendAsync(method, path, ApiClient.Content(body.PadRight(limit + 1)))).IsProblem(413, "too-large");
        (await SendAsync(method, path, ApiClient.Content(body.PadRight(limit + 2)))).IsProblem(413, "too-large");
    }

    [Fact]
    public async Task A_chunked_body_is_limited_as_well()
    {
        Assert.SkipWhen(head.IsFunction, "the platform drops chunked bodies");
        (await SendAsync("POST", "/api/transactions", new ChunkedContent(Requests.Transaction()))).Is(202);
        (await SendAsync("POST", "/api/transactions", new ChunkedContent(Requests.Transaction().PadRight(Mebibyte)))).Is(202);
        (await SendAsync("POST", "/api/transactions", new ChunkedContent(Requests.Transaction().PadRight(Mebibyte + 1)))).IsProblem(413, "too-large");
        (await SendAsync("POST", "/api/transactions/batch", new ChunkedContent("[]".PadRight((16 * Mebibyte) + 1)))).IsProblem(413, "too-large");
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Bytes_that_are_not_UTF_8_are_400_even_where_nobody_looks(string method, string path, string body)
    {
        string item = path == "/api/stats" ? Requests.Stat(5) : Requests.Transaction(5);
        string noted = $"{item[..^1]}, \"note\": \"?\"}}";
        string text = body == "[]" ? $"[{noted}]"
            : path.EndsWith("/status", StringComparison.Ordinal) ? "{\"ids\": [], \"note\": \"?\"}"
            : noted;
        string[] around = text.Split('?', 2);
        foreach (byte[] broken in new byte[][] { [0xFF], [0xC3, 0x28], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82] })
        {
            byte[] bytes = [.. Encoding.ASCII.GetBytes(around[0]), .. broken, .. Encoding.ASCII.GetBytes(around[1])];
            (await SendAsync(method, path, ApiClient.Content(bytes))).IsInvalid("$", "is not UTF-8");
        }
    }

    [Fact]
    public async Task A_byte_order_mark_is_ignored()
    {
        (await head.Client.SubmitAsync("\uFEFF" + Requests.Transaction())).Is(202);
        (await head.Client.PostAsync("/api/transactions/batch", "\uFEFF" + Requests.List(Requests.Transaction()))).Is(202);
        HttpContent lines = ApiClient.Content("\uFEFF" + Requests.Lines(Requests.Transaction()), "application/x-ndjson");
        (await SendAsync("POST", "/api/transactions/batch", lines)).Is(202);
        (await head.Client.SubmitAsync("\uFEFF\uFEFF" + Requests.Transaction())).IsProblem(400, "validation");
    }

    protected Task<Answer> SendAsync(string method, string path, HttpContent content) =>
        (path == "/api/stats" ? head.Admin : head.Client).SendAsync(new HttpMethod(method), path, content);

    /// <summary>Sends JSON without a Content-Length.</summary>
    protected sealed class ChunkedContent : HttpContent
    {
        private readonly byte[] _bytes;

        public ChunkedContent(string text)
        {
            _bytes = Encoding.UTF8.GetBytes(text);
            Headers.ContentType = new("application/json");
        }

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => stream.WriteAsync(_bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerBodyTests(ServerHead head) : BodyTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionBodyTests(FunctionHead head) : BodyTests(head)
{
    [Fact]
    public async Task It_says_that_chunked_bodies_are_dropped()
    {
        Answer answer = await SendAsync("POST", "/api/transactions", new ChunkedContent(Requests.Transaction()));
        Assert.Contains("chunked", answer.IsProblem(400, "validation").String("detail"), StringComparison.Ordinal);
    }
}
