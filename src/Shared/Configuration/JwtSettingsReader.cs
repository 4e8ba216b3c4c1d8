namespace FinanceIngest.Configuration;

/// <summary>Reads and validates the settings of bearer tokens.</summary>
internal static class JwtSettingsReader
{
    private const string Prefix = "FinanceIngest__Jwt__";

    /// <summary>Authorities of Entra ID that issue tokens to the accounts of every tenant.</summary>
    private static readonly string[] s_manyTenants = ["common", "organizations", "consumers"];

    /// <summary>Reads the three settings; returns null when none of them is set.</summary>
    /// <exception cref="SettingsException">A setting is wrong, or one is set without the other settings that it needs.</exception>
    public static JwtSettings? Read(string? authority, string? audience, string? scopePrefix)
    {
        if (authority is null && audience is null && scopePrefix is null)
        {
            return null;
        }

        return new JwtSettings(
            ReadAuthority(authority ?? throw new SettingsException(
                $"{Prefix}Authority", "required with the other settings of FinanceIngest__Jwt: the issuer of the tokens.")),
            audience ?? throw new SettingsException(
                $"{Prefix}Audience", "required with FinanceIngest__Jwt__Authority: without it, tokens for other services of that issuer would be accepted."),
            scopePrefix?.Any(char.IsWhiteSpace) == true
                ? throw new SettingsException($"{Prefix}ScopePrefix", "has white space, which separates scopes in a token.")
                : scopePrefix ?? "");
    }

    private static Uri ReadAuthority(string value)
    {
        const string setting = $"{Prefix}Authority";
        if (!Uri.TryCreate(value.TrimEnd('/'), UriKind.Absolute, out Uri? uri) || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0
            || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)))
        {
            throw new SettingsException(
                setting, "not an https address such as https://login.microsoftonline.com/TENANT-ID/v2.0 (http is allowed on loopback only).");
        }

        if (uri.Host.StartsWith("login.microsoftonline.", StringComparison.OrdinalIgnoreCase)
            && s_manyTenants.Contains(uri.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(), StringComparer.OrdinalIgnoreCase))
        {
            throw new SettingsException(setting, "names no tenant: write the tenant's id in place of common, organizations or consumers.");
        }

        return uri;
    }
}
