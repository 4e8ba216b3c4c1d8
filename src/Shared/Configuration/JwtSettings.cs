namespace FinanceIngest.Configuration;

/// <summary>The issuer whose bearer tokens are accepted in addition to API keys.</summary>
/// <param name="Authority">OpenID Connect issuer, without a slash at its end; its OpenID configuration is read from below <c>/.well-known/</c>.</param>
/// <param name="Audience">The value that a token's <c>aud</c> claim must contain.</param>
/// <param name="ScopePrefix">Text that precedes <c>submit</c>, <c>read</c>, <c>manage</c> and <c>admin</c> in a token's scopes; may be empty.</param>
public sealed record JwtSettings(Uri Authority, string Audience, string ScopePrefix);
