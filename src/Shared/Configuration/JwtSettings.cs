namespace FinanceIngest.Configuration;

/// <summary>Whose bearer tokens are taken, beside keys.</summary>
/// <param name="Authority">OpenID Connect issuer, without a slash at its end; its configuration stands below <c>/.well-known/</c>.</param>
/// <param name="Audience">What a token's <c>aud</c> must name.</param>
/// <param name="ScopePrefix">What stands before <c>submit</c>, <c>read</c> and <c>admin</c> in a token; empty: nothing.</param>
internal sealed record JwtSettings(Uri Authority, string Audience, string ScopePrefix);
