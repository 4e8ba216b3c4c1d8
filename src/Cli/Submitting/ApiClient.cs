using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A client of the installation's HTTP API.</summary>
internal sealed class ApiClient : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http;
    private readonly Uri _base;
    private readonly TimeProvider _time;

    /// <param name="url">The address of the API, as the user typed it.</param>
    /// <param name="key">The API key; null when there is none.</param>
    /// <param name="network">Answers in place of the network; null to use the network.</param>
    /// <param name="time">The clock, for a <c>Retry-After</c> that is a date.</param>
    /// <exception cref="CliException">The address or the key is malformed.</exception>
    public ApiClient(string url, string? key, HttpMessageHandler? network, TimeProvider time)
    {
        _base = ParseUrl(url);
        _time = time;

        // Redirects are not followed, because a redirected POST may become a GET and would carry the key to another host. A loopback address needs no proxy.
        HttpMessageHandler handler = network ?? new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = !_base.IsLoopback };
        _http = new HttpClient(handler, disposeHandler: network is null) { Timeout = s_timeout };
        if (key is not null)
        {
            _http.DefaultRequestHeaders.Add(
                "x-functions-key",
                key.All(c => c is > ' ' and <= '~') ? key : throw CliException.WrongUse("The API key has characters that are not allowed in a key."));
        }
    }

    /// <summary>Posts a body and returns the answer, whatever its status.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled the request.</exception>
    public async Task<ApiAnswer> PostAsync(string path, byte[] body, string mediaType, CancellationToken cancellationToken)
    {
        // The body has a Content-Length, because a function app drops chunked bodies.
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        try
        {
            using HttpResponseMessage response = await _http.PostAsync(new Uri(_base, path), content, cancellationToken);
            byte[] text = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return new ApiAnswer(response.StatusCode, ParseJson(text), RetryAfter(response.Headers.RetryAfter), response.Headers.Location);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new ApiAnswer(null, null, null, null) { Failure = $"{_base.GetLeftPart(UriPartial.Authority)} can't be reached: {Innermost(e)}." };
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static Uri ParseUrl(string url) =>
        Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
            ? uri
            : throw CliException.WrongUse($"'{url}' is not an http address such as http://127.0.0.1:7071.");

    private static JsonElement? ParseJson(byte[] text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        TimeSpan? pause = header?.Delta ?? header?.Date - _time.GetUtcNow();
        return pause is null ? null : TimeSpan.FromTicks(Math.Clamp(pause.Value.Ticks, 0, s_longestPause.Ticks));
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is not null)
        {
            e = e.InnerException;
        }

        return e is TimeoutException or TaskCanceledException ? "no answer in time" : e.Message.TrimEnd('.');
    }
}

/// <summary>The outcome of a request.</summary>
/// <param name="Status">The status; null when there was no answer.</param>
/// <param name="Json">The body; null when it is no JSON.</param>
/// <param name="RetryAfter">The wait for which the server asks, cut to five minutes; null when it asks for none.</param>
/// <param name="Location">The target of a redirect; null when there is none.</param>
internal sealed record ApiAnswer(HttpStatusCode? Status, JsonElement? Json, TimeSpan? RetryAfter, Uri? Location)
{
    /// <summary>Why there was no answer; null when there was one.</summary>
    public string? Failure { get; init; }

    /// <summary>
    /// Whether the same request may succeed later: there was no answer, a timeout, too many requests, or a failure of the server or a gateway.
    /// </summary>
    public bool IsTransient => Status is null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;

    /// <summary>Returns the problem in one sentence.</summary>
    public string Describe()
    {
        if (Failure is not null)
        {
            return Failure;
        }

        string status = $"The server answered {(int)Status!} {Status}";
        string? detail = Text("detail") ?? Text("title");
        return detail is not null ? $"{status}: {detail.TrimEnd('.')}."
            : Location is not null ? $"{status}, to {Location}: give that as --url."
            : $"{status}.";
    }

    private string? Text(string name) =>
        Json is { ValueKind: JsonValueKind.Object } problem && problem.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
