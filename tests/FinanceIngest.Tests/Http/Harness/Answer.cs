using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using FinanceIngest.Http;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>A response, read to its end.</summary>
public sealed class Answer
{
    private readonly Lazy<JsonElement> _json;
    private readonly HttpResponseHeaders _headers;
    private readonly HttpContentHeaders _contentHeaders;

    private Answer(HttpResponseMessage response, byte[] body)
    {
        Status = (int)response.StatusCode;
        MediaType = response.Content.Headers.ContentType?.MediaType;
        Body = body;
        _headers = response.Headers;
        _contentHeaders = response.Content.Headers;
        _json = new Lazy<JsonElement>(() => JsonDocument.Parse(Body).RootElement);
    }

    public int Status { get; }

    public string? MediaType { get; }

    public byte[] Body { get; }

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>The text as it was before an alert was sent, which may happen between two answers.</summary>
    public string TextBeforeSending => Text.Replace("\"alert\":\"sent\"", "\"alert\":\"queued\"", StringComparison.Ordinal);

    public JsonElement Json => _json.Value;

    public string Id => Json.GetProperty("id").GetString()!;

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) => new(response, await response.Content.ReadAsByteArrayAsync());

    /// <summary>Returns a header's only value; null when the header is absent.</summary>
    public string? Header(string name) =>
        _headers.TryGetValues(name, out IEnumerable<string>? values) || _contentHeaders.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    /// <summary>Returns a member's JSON as the server wrote it, such as <c>8.0</c>; null when the member is absent.</summary>
    public string? Raw(string member) => Json.TryGetProperty(member, out JsonElement value) ? value.GetRawText() : null;

    /// <summary>Returns a member's text; null when the member is absent.</summary>
    public string? String(string member) => Json.TryGetProperty(member, out JsonElement value) ? value.GetString() : null;

    /// <summary>Asserts the status and returns this response.</summary>
    public Answer Is(int status)
    {
        Assert.True(status == Status, $"{status} expected, got {Status}: {Text}");
        return this;
    }

    /// <summary>Asserts a status, without a body, that a function app's platform answers before the app sees the request.</summary>
    public Answer IsPlatforms(int status)
    {
        Assert.Empty(Is(status).Body);
        return this;
    }

    /// <summary>Asserts a problem of this status and type.</summary>
    public Answer IsProblem(int status, string kind)
    {
        Is(status);
        Assert.Equal("application/problem+json", MediaType);
        Assert.Equal(Problem.TypePrefix + kind, Json.GetProperty("type").GetString());
        Assert.Equal(status, Json.GetProperty("status").GetInt32());
        return this;
    }

    /// <summary>Asserts a 400 whose only message about this field is <paramref name="message"/>.</summary>
    public void IsInvalid(string field, string message)
    {
        IsProblem(400, "validation");
        Assert.True(Json.GetProperty("errors").TryGetProperty(field, out JsonElement messages), $"no error of {field}: {Text}");
        Assert.Equal([message], messages.EnumerateArray().Select(text => text.GetString()));
    }

    /// <summary>Asserts a 400 and returns the names of the fields that have errors.</summary>
    public IEnumerable<string> InvalidFields() =>
        IsProblem(400, "validation").Json.GetProperty("errors").EnumerateObject().Select(field => field.Name);
}
