namespace FinanceIngest.Configuration;

/// <summary>An API key. Several keys may be valid at once, so that a new one can replace an old one without an interruption.</summary>
/// <param name="Name">The key's name in settings, logs and rate limits; not a secret.</param>
/// <param name="Secret">The text that a caller presents.</param>
/// <param name="Scopes">The requests that the key allows.</param>
public sealed record ApiKeySetting(string Name, string Secret, Scopes Scopes)
{
    /// <summary>Returns the name alone, because the text that a record makes by default would contain the secret.</summary>
    public override string ToString() => Name;
}
