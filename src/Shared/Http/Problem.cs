using System.Globalization;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Http;

/// <summary>A problem details object (RFC 9457).</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Kind">The last part of the stable type, such as <c>validation</c>.</param>
/// <param name="Title">A sentence that is the same for every occurrence of the type.</param>
/// <param name="Detail">A sentence about this occurrence.</param>
public sealed record Problem(int Status, string Kind, string Title, string Detail)
{
    /// <summary>The text that every type starts with; <c>docs/api.md</c> lists the types.</summary>
    public const string TypePrefix = "urn:finance-ingest:problem:";

    /// <summary>The longest text of a problem in UTF-16 code units; what is longer is cut.</summary>
    public const int MaximumText = 500;

    /// <summary>The messages for each field; null unless the problem is one of validation.</summary>
    public IReadOnlyDictionary<string, List<string>>? Errors { get; init; }

    /// <summary>The headers of the answer beyond its content type.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Writes members beyond the standard ones.</summary>
    public Action<Utf8JsonWriter>? Extension { get; init; }

    /// <summary>The estimated length of the written problem in bytes.</summary>
    public int Length { get; init; } = 512;

    /// <summary>Writes the object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", TypePrefix + Kind);
        json.WriteString("title", Title);
        json.WriteNumber("status", Status);
        json.WriteString("detail", Bounded(Detail));
        if (Errors is not null)
        {
            json.WritePropertyName("errors");
            WriteErrors(json, Errors);
        }

        Extension?.Invoke(json);
        json.WriteEndObject();
    }

    /// <summary>Writes an object that has each field's messages as an array.</summary>
    public static void WriteErrors(Utf8JsonWriter json, IReadOnlyDictionary<string, List<string>> errors)
    {
        json.WriteStartObject();
        foreach ((string field, List<string> messages) in errors)
        {
            json.WriteStartArray(field);
            messages.ForEach(message => json.WriteStringValue(Bounded(message)));
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>
    /// Cuts a text that may quote a request, a message or an exception, so that no answer is many times as long as what caused it. The text never ends with
    /// half of a surrogate pair.
    /// </summary>
    private static ReadOnlySpan<char> Bounded(string text) =>
        text.Length <= MaximumText ? text : $"{text.AsSpan(0, MaximumText - (char.IsHighSurrogate(text[MaximumText - 1]) ? 1 : 0))} …";
}

/// <summary>Ends the handling of a request; the problem is its answer.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    /// <summary>The answer.</summary>
    public Problem Problem { get; } = problem;
}

/// <summary>The problems of this API.</summary>
public static class Problems
{
    /// <summary>400: one field or parameter is not valid.</summary>
    public static ProblemException Validation(string field, string message)
    {
        var errors = new ValidationErrors();
        errors.Add(field, message);
        return Validation(errors);
    }

    /// <summary>400: fields are not valid.</summary>
    public static ProblemException Validation(ValidationErrors errors) =>
        new(new Problem(400, "validation", "The request is not valid.", errors.ToString()) { Errors = errors.Messages });

    /// <summary>400: the body can't be read.</summary>
    public static ProblemException Malformed(string detail) => Validation(ValidationErrors.Whole, detail);

    /// <summary>400: the server has no keys, and the request names another host than this machine or comes from another one.</summary>
    public static ProblemException ForeignHost() => new(new Problem(
        400,
        "host",
        "The host is not this machine's.",
        "Without API keys only requests from and to this machine are taken. Configure FinanceIngest__ApiKeys__NAME__Secret."));

    /// <summary>400: the server has no keys, and the request came by way of a proxy.</summary>
    public static ProblemException Forwarded() => new(new Problem(
        400,
        "forwarded",
        "The request was forwarded to a server without API keys.",
        "Without API keys only requests that come straight from this machine are taken, and this one names a proxy that it came through. "
            + "Configure FinanceIngest__ApiKeys__NAME__Secret."));

    /// <summary>401: the request has no key, or an unknown one.</summary>
    public static ProblemException Unauthorized(string detail) => new(new Problem(401, "key", "A valid API key is needed.", detail)
    {
        Headers = [("WWW-Authenticate", "ApiKey realm=\"finance-ingest\"")],
    });

    /// <summary>401: the request has neither a key nor a token, where both are accepted.</summary>
    public static ProblemException Unidentified() => new(new Problem(
        401, "key", "A valid API key is needed.", "Send a token in the header Authorization, as Bearer, or a key in the header x-functions-key.")
    {
        Headers = [("WWW-Authenticate", "Bearer realm=\"finance-ingest\", ApiKey realm=\"finance-ingest\"")],
    });

    /// <summary>403: the key lacks the scope.</summary>
    public static ProblemException Forbidden(string scope) =>
        new(new Problem(403, "scope", "The key or token does not allow this.", $"The key lacks the scope '{scope}'."));

    /// <summary>403: the caller may, and this process may not: the database or a queue refused it.</summary>
    public static ProblemException Rights(string detail) => new(new Problem(403, "rights", "This process lacks a right.", detail));
    /// <summary>403: the request has a key alone, where only a token gives the scope.</summary>
    public static ProblemException NeedsToken(string scope) => new(new Problem(
        403,
        "scope",
        "The key or token does not allow this.",
        $"Beside the function's key this needs a bearer token with the scope '{scope}' in the header Authorization, and a configured FinanceIngest__Jwt."));

    /// <summary>404: there is no such route, or no such thing.</summary>
    public static ProblemException NotFound(string detail) => new(new Problem(404, "not-found", "There is nothing here.", detail));

    /// <summary>405: the path has no route with that method.</summary>
    /// <param name="allowed">The methods that the path has, separated by commas.</param>
    public static ProblemException MethodNotAllowed(string allowed) =>
        new(new Problem(405, "method", "The method is not allowed here.", $"Allowed: {allowed}.") { Headers = [("Allow", allowed)] });

    /// <summary>410: the thing existed once.</summary>
    public static ProblemException Gone(string detail) => new(new Problem(410, "gone", "It is not there any more.", detail));

    /// <summary>413: the body, or its number of items, is too large.</summary>
    public static ProblemException TooLarge(string detail) => new(new Problem(413, "too-large", "The request is too large.", detail));

    /// <summary>415: the media type, charset or content encoding is not supported.</summary>
    public static ProblemException UnsupportedMediaType(string detail) => new(new Problem(415, "media-type", "The media type is not supported.", detail));

    /// <summary>422: the transaction could not be scored. It is part of a result, and the older route's answer.</summary>
    public static Problem Transaction(string error) => new(422, "transaction", "The transaction could not be scored.", error);

    /// <summary>429: a limit per minute is used up.</summary>
    /// <param name="what">What is used up, as the beginning of a sentence.</param>
    /// <param name="retryAfterSeconds">When the request would be accepted.</param>
    public static ProblemException RateLimited(string what, int retryAfterSeconds)
    {
        string seconds = retryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        return new ProblemException(new Problem(429, "rate-limit", "Too many requests.", $"{what}; try again in {seconds} s.")
        {
            Headers = [RetryAfter(retryAfterSeconds)],
        });
    }

    /// <summary>500: a bug in this program, whose exception is in the log.</summary>
    public static Problem Internal() => new(500, "internal", "Something went wrong here.", "The error was logged. Nothing was accepted.");

    /// <summary>503: something that the request needs is unavailable, or this process is overloaded.</summary>
    public static ProblemException Unavailable(string kind, string detail, int retryAfterSeconds) =>
        new(new Problem(503, kind, "A service that this needs is unavailable.", detail) { Headers = [RetryAfter(retryAfterSeconds)] });

    private static (string Name, string Value) RetryAfter(int seconds) => ("Retry-After", seconds.ToString(CultureInfo.InvariantCulture));
}
