using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FinanceIngest.Http;

/// <summary>An HTTP response.</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="ContentType">Media type of the body.</param>
/// <param name="Body">The body.</param>
public sealed record ApiResponse(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    /// <summary>The most bytes of an answer that lists what became of a request's items.</summary>
    public const int MaximumList = 1024 * 1024;

    private const string JsonType = "application/json";

    private List<KeyValuePair<string, string>>? _headers;

    /// <summary>
    /// How answers are written. They are served as JSON and never as HTML, so only the characters that JSON itself requires are escaped.
    /// </summary>
    internal static JsonWriterOptions WriterOptions { get; } = new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>204: it is done, and there is nothing to say.</summary>
    public static ApiResponse Nothing => new(204, "", ReadOnlyMemory<byte>.Empty);

    /// <summary>Writes the body in place of <see cref="Body"/>, for as long as it goes on; null for an answer that is complete.</summary>
    public IAnswerStream? Following { get; init; }

    /// <summary>Headers beyond the content type.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers => _headers ?? [];

    /// <summary>A JSON response.</summary>
    /// <param name="status">HTTP status code.</param>
    /// <param name="write">Writes the body.</param>
    /// <param name="length">Estimated length of the body in bytes.</param>
    public static ApiResponse Json(int status, Action<Utf8JsonWriter> write, int length = 512) => new(status, JsonType, Serialize(write, length));

    /// <summary>A JSON response whose body is written already.</summary>
    public static ApiResponse Json(int status, ReadOnlyMemory<byte> body) => new(status, JsonType, body);

    /// <summary>A problem response (RFC 9457).</summary>
    public static ApiResponse From(Problem problem)
    {
        var response = new ApiResponse(problem.Status, "application/problem+json", Serialize(problem.Write, problem.Length));
        foreach ((string name, string value) in problem.Headers)
        {
            response.With(name, value);
        }

        return response;
    }

    /// <summary>Adds a header.</summary>
    public ApiResponse With(string name, string value)
    {
        (_headers ??= []).Add(new(name, value));
        return this;
    }

    /// <summary>Adds <c>Retry-After</c> in seconds.</summary>
    public ApiResponse WithRetryAfter(int seconds) => With("Retry-After", seconds.ToString(CultureInfo.InvariantCulture));

    private static ReadOnlyMemory<byte> Serialize(Action<Utf8JsonWriter> write, int length)
    {
        var buffer = new ArrayBufferWriter<byte>(length);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
    }
}
