using System.Globalization;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Http;

/// <summary>A problem details object (RFC 9457).</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Kind">Last part of the stable type, such as <c>validation</c>.</param>
/// <param name="Title">The same for every occurrence of the type.</param>
/// <param name="Detail">What happened this time.</param>
public sealed record Problem(int Status, string Kind, string Title, string Detail)
{
    /// <summary>What every type starts with; <c>docs/api.md</c> lists them.</summary>
    public const string TypePrefix = "urn:finance-ingest:problem:";

    /// <summary>Field → messages, for validation.</summary>
    public IReadOnlyDictionary<string, List<string>>? Errors { get; init; }

    /// <summary>Headers that go with it.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Writes members beyond the standard ones.</summary>
    public Action<Utf8JsonWriter>? Extension { get; init; }

    /// <summary>Writes the object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", TypePrefix + Kind);
        json.WriteString("title", Title);
        json.WriteNumber("status", Status);
        json.WriteString("detail", Detail);
        if (Errors is not null)
        {
            json.WritePropertyName("errors");
            WriteErrors(json, Errors);
        }

        Extension?.Invoke(json);
        json.WriteEndObject();
    }

    /// <summary>Writes field → messages as an object.</summary>
    public static void WriteErrors(Utf8JsonWriter json, IReadOnlyDictionary<string, List<string>> errors)
    {
        json.WriteStartObject();
        foreach ((string field, List<string> messages) in errors)
        {
            json.WriteStartArray(field);
            messages.ForEach(json.WriteStringValue);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}

/// <summary>Ends the handling of a request with a problem.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    /// <summary>The answer.</summary>
    public Problem Problem { get; } = problem;
}

/// <summary>The problems of this API.</summary>
public static class Problems
{
    /// <summary>400: one field or parameter is wrong.</summary>
    public static ProblemException Validation(string field, string message)
    {
        var errors = new ValidationErrors();
        errors.Add(field, message);
        return Validation(errors);
    }

    /// <summary>400: fields are wrong.</summary>
    public static ProblemException Validation(ValidationErrors errors) =>
        new(new Problem(400, "validation", "The request is not valid.", errors.ToString()) { Errors = errors.Messages });

    /// <summary>400: the body can't be read.</summary>
    public static ProblemException Malformed(string detail) => Validation(ValidationErrors.Whole, detail);

    /// <summary>400: a request under a name that is not this machine's, while the server is open on loopback.</summary>
    public static ProblemException ForeignHost() => new(new Problem(
        400, "host", "The host is not this machine's.", "Without API keys only requests from and to this machine are taken. Configure FinanceIngest__ApiKeys__NAME__Secret."));

    /// <summary>401: no key, or an unknown one.</summary>
    public static ProblemException Unauthorized(string detail) => new(new Problem(401, "key", "A valid API key is needed.", detail)
    {
        Headers = [("WWW-Authenticate", "ApiKey realm=\"finance-ingest\"")],
    });

    /// <summary>401: neither key nor token, where both are taken.</summary>
    public static ProblemException Unidentified() => new(new Problem(401, "key", "A valid API key is needed.", "Send a token in the header Authorization, as Bearer, or a key in x-functions-key.")
    {
        Headers = [("WWW-Authenticate", "Bearer realm=\"finance-ingest\", ApiKey realm=\"finance-ingest\"")],
    });

    /// <summary>403: the key lacks the scope.</summary>
    public static ProblemException Forbidden(string scope) =>
        new(new Problem(403, "scope", "The key or token does not allow this.", $"The key lacks the scope '{scope}'."));

    /// <summary>404.</summary>
    public static ProblemException NotFound(string detail) => new(new Problem(404, "not-found", "There is nothing here.", detail));

    /// <summary>405.</summary>
    public static ProblemException MethodNotAllowed(string allowed) =>
        new(new Problem(405, "method", "The method is not allowed here.", $"Allowed: {allowed}.") { Headers = [("Allow", allowed)] });

    /// <summary>410: it was there once.</summary>
    public static ProblemException Gone(string detail) => new(new Problem(410, "gone", "It is not there any more.", detail));

    /// <summary>413.</summary>
    public static ProblemException TooLarge(string detail) => new(new Problem(413, "too-large", "The request is too large.", detail));

    /// <summary>415.</summary>
    public static ProblemException UnsupportedMediaType(string detail) => new(new Problem(415, "media-type", "The media type is not supported.", detail));

    /// <summary>429.</summary>
    public static ProblemException RateLimited(int retryAfterSeconds) =>
        new(new Problem(429, "rate-limit", "Too many requests.", $"This key's limit is used up; try again in {retryAfterSeconds.ToString(CultureInfo.InvariantCulture)} s.")
        {
            Headers = [RetryAfter(retryAfterSeconds)],
        });

    /// <summary>500: a bug of ours; its exception is in the log.</summary>
    public static Problem Internal() => new(500, "internal", "Something went wrong here.", "The error was logged. Nothing was accepted.");

    /// <summary>503.</summary>
    public static ProblemException Unavailable(string kind, string detail, int retryAfterSeconds) =>
        new(new Problem(503, kind, "A service that this needs is unavailable.", detail) { Headers = [RetryAfter(retryAfterSeconds)] });

    private static (string Name, string Value) RetryAfter(int seconds) => ("Retry-After", seconds.ToString(CultureInfo.InvariantCulture));
}
