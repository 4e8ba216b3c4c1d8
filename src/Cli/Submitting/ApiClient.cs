using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A client of the installation's HTTP API.</summary>
internal sealed class ApiClient : IDisposable
{
    /// <summary>The largest body of an answer that is read, in bytes. The API's largest answers, results of 1,000 transactions, are a fraction of it.</summary>
    public const int MaximumAnswer = 16 * 1024 * 1024;

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(100);

    private readonly HttpClient _http;
    private readonly ApiAddress _address;
    private readonly TimeProvider _time;
    private volatile string? _untrusted;

    /// <param name="url">The address of the API, as the user typed it.</param>
    /// <param name="key">The API key; null when there is none.</param>
    /// <param name="network">Answers in place of the network; null to use the network.</param>
    /// <param name="time">The clock, for a <c>Retry-After</c> that is a date.</param>
    /// <exception cref="CliException">The address or the key is malformed.</exception>
    public ApiClient(string url, string? key, HttpMessageHandler? network, TimeProvider time)
    {
        _address = ApiAddress.Parse(url);
        _time = time;

        // Redirects are not followed, because a redirected POST may become a GET and would carry the key to another host. A loopback address needs no proxy.
        HttpMessageHandler handler = network ?? new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = !_address.Base.IsLoopback,
            SslOptions = { RemoteCertificateValidationCallback = IsTrusted },
        };
        _http = new HttpClient(handler, disposeHandler: network is null) { Timeout = s_timeout, MaxResponseContentBufferSize = MaximumAnswer };
        if (key is not null)
        {
            // A key that was read from a file often has the end of its line.
            string trimmed = key.Trim();
            _http.DefaultRequestHeaders.Add(
                "x-functions-key",
                trimmed.Length > 0 && trimmed.All(c => c is > ' ' and <= '~')
                    ? trimmed
                    : throw CliException.WrongUse("The API key is empty, or has characters that are not allowed in a key."));
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
            using HttpResponseMessage response = await _http.PostAsync(new Uri(_address.Base, path), content, cancellationToken);
            byte[] text = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            string? advice = (int)response.StatusCode is >= 300 and < 400 && response.Headers.Location is { } location ? _address.Advice(location, path) : null;
            return new ApiAnswer(response.StatusCode, ParseJson(text), RetryAfter.Of(response.Headers, _time), advice);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            string failure = FormattableString.Invariant($"{_address} answered with more than {MaximumAnswer:N0} bytes, which FinanceIngest never does.");
            return new ApiAnswer(null, null, null, null) { Failure = failure, IsFinal = true };
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError && _untrusted is { } reason)
        {
            return new ApiAnswer(null, null, null, null) { Failure = $"{_address} has a certificate that is not trusted: {reason}.", IsFinal = true };
        }
        catch (Exception e) when (ConnectionFailure.IsOne(e) || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new ApiAnswer(null, null, null, null) { Failure = $"{_address} can't be reached: {Innermost(e)}." };
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    // .NET's own message does not name what is wrong with the certificate.
    private bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        string reasons = string.Join(", ", (chain?.ChainStatus ?? []).Select(status => status.StatusInformation.Trim().TrimEnd('.')).Distinct());
        _untrusted = errors switch
        {
            SslPolicyErrors.None => null,
            SslPolicyErrors.RemoteCertificateNameMismatch => "it is for another name",
            _ => reasons.Length > 0 ? reasons : errors.ToString(),
        };
        return errors == SslPolicyErrors.None;
    }

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

    private static string Innermost(Exception e)
    {
        if (e is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError })
        {
            return "no TLS could be agreed on at this address, which begins with https";
        }

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
/// <param name="Advice">A sentence about what a redirect means; null when the answer is none.</param>
internal sealed record ApiAnswer(HttpStatusCode? Status, JsonElement? Json, TimeSpan? RetryAfter, string? Advice)
{
    /// <summary>Why there was no answer; null when there was one.</summary>
    public string? Failure { get; init; }

    /// <summary>Whether the same request would fail again, although there was no answer.</summary>
    public bool IsFinal { get; init; }

    /// <summary>
    /// Whether the same request may succeed later: there was no answer, a timeout, too many requests, or a failure of the server or a gateway.
    /// </summary>
    public bool IsTransient => !IsFinal
        && Status is null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;

    /// <summary>Returns the problem in one sentence.</summary>
    public string Describe()
    {
        if (Failure is not null)
        {
            return Failure;
        }

        string status = $"The server answered {(int)Status!} {Status}";
        string? detail = Text("detail") ?? Text("title");
        return Advice is not null ? $"{status}. {Advice}"
            : detail is not null ? $"{status}: {detail.TrimEnd('.')}."
            : $"{status}.";
    }

    private string? Text(string name) =>
        Json is { ValueKind: JsonValueKind.Object } problem && problem.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
