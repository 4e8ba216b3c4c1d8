namespace FinanceIngest.Http;

/// <summary>
/// The headers that every answer has on every head, unless the answer sets the same header itself. There is no CORS header: no page of another site is meant to
/// read an answer.
/// </summary>
public static class ResponseHeaders
{
    /// <summary>
    /// Strict transport security of one year for this host name alone. Heads send it over https only, and never under a loopback name, where it would bind
    /// every other server of the machine.
    /// </summary>
    public static readonly (string Name, string Value) StrictTransport = ("Strict-Transport-Security", "max-age=31536000");

    /// <summary>
    /// Answers are not cached, sniffed or framed; should a browser ever take one for a page, that page can run and load nothing.
    /// </summary>
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
