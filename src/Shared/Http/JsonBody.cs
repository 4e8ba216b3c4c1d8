namespace FinanceIngest.Http;

/// <summary>What all JSON bodies have in common.</summary>
public static class JsonBody
{
    private static ReadOnlySpan<byte> Bom => [0xEF, 0xBB, 0xBF];

    /// <summary>The text without a byte order mark, which RFC 8259 lets a parser ignore.</summary>
    public static ReadOnlySpan<byte> WithoutBom(ReadOnlySpan<byte> text) => text.StartsWith(Bom) ? text[Bom.Length..] : text;

    /// <summary>400 for a body that is not JSON; an empty one gets the hint that chunked bodies don't reach a function app.</summary>
    public static ProblemException Malformed(ReadOnlyMemory<byte> body, Exception cause) => Problems.Malformed(
        body.IsEmpty
            ? "is empty (Azure Functions drops bodies sent chunked: send a Content-Length)"
            : $"is not JSON: {cause.Message}");
}
