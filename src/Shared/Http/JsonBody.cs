using System.Text.Unicode;

namespace FinanceIngest.Http;

/// <summary>The rules that all JSON bodies share.</summary>
internal static class JsonBody
{
    private static ReadOnlySpan<byte> Bom => [0xEF, 0xBB, 0xBF];

    /// <summary>The text without a byte order mark, which RFC 8259 lets a parser ignore.</summary>
    public static ReadOnlySpan<byte> WithoutBom(ReadOnlySpan<byte> text) => text.StartsWith(Bom) ? text[Bom.Length..] : text;

    /// <summary>The body's text, without a byte order mark.</summary>
    /// <exception cref="ProblemException">400: the body is not UTF-8. The JSON reader would not notice that in strings that are never read.</exception>
    public static ReadOnlyMemory<byte> Text(ReadOnlyMemory<byte> body) => Utf8.IsValid(body.Span)
        ? body[^WithoutBom(body.Span).Length..]
        : throw Problems.Malformed("is not UTF-8");

    /// <summary>400: the body is not JSON. The detail for an empty body mentions that chunked bodies don't reach a function app.</summary>
    public static ProblemException Malformed(ReadOnlyMemory<byte> body, Exception cause) => Problems.Malformed(
        body.IsEmpty
            ? "is empty (Azure Functions drops bodies sent chunked: send a Content-Length)"
            : $"is not JSON: {cause.Message}");
}
