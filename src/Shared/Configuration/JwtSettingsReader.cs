namespace FinanceIngest.Configuration;

/// <summary>Reads whose bearer tokens are taken.</summary>
internal static class JwtSettingsReader
{
    private const string Prefix = "FinanceIngest__Jwt__";

    /// <summary>Authorities of Entra ID that stand for every tenant: anybody with an account anywhere could get a token from them.</summary>
    private static readonly string[] s_manyTenants = ["common", "organizations", "consumers"];

    /// <summary>Null when nothing is set.</summary>
    /// <exception cref="SettingsException">One is wrong, or missing beside the other.</exception>
    public static JwtSettings? Read(string? authority, string? audience, string? scopePrefix)
    {
        if (authority is null && audience is null && scopePrefix is null)
        {
            return null;
        }

        return new JwtSettings(
            ReadAuthority(authority ?? throw new SettingsException($"{Prefix}Authority", "required beside the other settings of FinanceIngest__Jwt: the issuer of tokens.")),
            audience ?? throw new SettingsException($"{Prefix}Audience", "required with FinanceIngest__Jwt__Authority: else tokens for other services of that issuer would be taken."),
            scopePrefix is null || !scopePrefix.Any(char.IsWhiteSpace) ? scopePrefix ?? "" : throw new SettingsException($"{Prefix}ScopePrefix", "has white space, which separates scopes in a token."));
    }

    private static Uri ReadAuthority(string value)
    {
        const string setting = $"{Prefix}Authority";
        if (!Uri.TryCreate(value.TrimEnd('/'), UriKind.Absolute, out Uri? uri) || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0
            || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)))
        {
            throw new SettingsException(setting, "not an https address such as https://login.microsoftonline.com/TENANT-ID/v2.0 (http only on loopback).");
        }

        if (uri.Host.StartsWith("login.microsoftonline.", StringComparison.OrdinalIgnoreCase)
            && s_manyTenants.Contains(uri.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(), StringComparer.OrdinalIgnoreCase))
        {
            throw new SettingsException(setting, "names no tenant: write the tenant's id in place of common, organizations or consumers.");
        }

        return uri;
    }
}
