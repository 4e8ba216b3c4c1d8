using System.Net.Http.Headers;
using System.Text;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>A client that checks every request and response against the API's own description.</summary>
public sealed class ApiClient
{
    private readonly HttpClient _http;
    private readonly bool _isFunction;

    public ApiClient(Uri address, string? key, bool isFunction = false)
        : this(
            new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
            {
                BaseAddress = address,
                Timeout = TimeSpan.FromSeconds(100),
            },
            key,
            isFunction)
    {
    }

    private ApiClient(HttpClient http, string? key, bool isFunction)
    {
        _http = http;
        Key = key;
        _isFunction = isFunction;
    }

    /// <summary>The key that the client sends; null when it sends none.</summary>
    public string? Key { get; }

    /// <summary>The address of the head.</summary>
    public Uri Address => _http.BaseAddress!;

    /// <summary>Returns a client of the same head with another key, or with none.</summary>
    public ApiClient WithKey(string? key) => new(_http, key, _isFunction);

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    public Task<Answer> PostAsync(string path, string json, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, Content(json), headers);

    public Task<Answer> PutAsync(string path, string json, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Put, path, Content(json), headers);

    public Task<Answer> DeleteAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Delete, path, null, headers);

    /// <summary>Submits one transaction and returns the response.</summary>
    public Task<Answer> SubmitAsync(string json, params (string Name, string Value)[] headers) => PostAsync("/api/transactions", json, headers);

    /// <summary>Submits one transaction and returns its result, for which it waits up to 30 s.</summary>
    public async Task<Answer> ScoreAsync(string json, params (string Name, string Value)[] headers) =>
        (await SubmitAsync(json, [("Prefer", "wait=30"), .. headers])).Is(200);

    /// <summary>Returns the result of an accepted transaction, for which it waits up to 30 s.</summary>
    public async Task<Answer> ResultAsync(string id)
    {
        Answer answer = (await GetAsync($"/api/transactions/{id}?wait=30")).Is(200);
        Assert.NotEqual("pending", answer.String("status"));
        return answer;
    }

    /// <summary>Sends a request. The API's description must contain the response: its status, media type, body and headers.</summary>
    public async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
        if (Key is not null)
        {
            request.Headers.Add("x-functions-key", Key);
        }

        foreach ((string name, string value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value), name);
        }

        byte[]? sent = content is ByteArrayContent ? await content.ReadAsByteArrayAsync() : null;
        using HttpResponseMessage response = await _http.SendAsync(request);
        Answer answer = await Answer.ReadAsync(response);
        bool isPlatformsOwn = _isFunction && answer.Status is 401 or 404 && answer.Body.Length == 0;
        if (!isPlatformsOwn)
        {
            ApiDescription.Instance.CheckResponse(method.Method, path.Split('?')[0], answer);
            ApiDescription.Instance.CheckRequest(method.Method, path.Split('?')[0], content?.Headers.ContentType?.MediaType, sent, answer);
        }

        return answer;
    }

    /// <summary>Makes a body from text; the media type is JSON unless another one is given.</summary>
    public static ByteArrayContent Content(string text, string mediaType = "application/json") => Content(Encoding.UTF8.GetBytes(text), mediaType);

    /// <summary>Makes a body from bytes.</summary>
    public static ByteArrayContent Content(byte[] bytes, string mediaType = "application/json") =>
        new(bytes) { Headers = { ContentType = MediaTypeHeaderValue.Parse(mediaType) } };
}
