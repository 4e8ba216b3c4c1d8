namespace FinanceIngest.Http;

/// <summary>
/// The headers that every answer has, on every head; an answer's own of the same name takes their place. There is none for CORS: no other site's page is meant
/// to read an answer.
/// </summary>
public static class ResponseHeaders
{
    /// <summary>One year, for this name alone. Only over https, and not for a name of this machine, where it would bind whatever else runs there.</summary>
    public static readonly (string Name, string Value) StrictTransport = ("Strict-Transport-Security", "max-age=31536000");

    /// <summary>The headers: not kept, not guessed at, not framed, and, should a browser ever take one for a page, without anything to run or load.</summary>
    public static readonly IReadOnlyList<(string Name, string Value)> Always =
    [
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ];
}
