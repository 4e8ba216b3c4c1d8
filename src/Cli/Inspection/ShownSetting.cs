using FinanceIngest.Cli.Running;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Cli.Inspection;

/// <summary>A setting as it is shown.</summary>
/// <param name="Name">Its name, as an environment variable.</param>
/// <param name="Value">Its value; a secret's is not shown.</param>
/// <param name="Origin">Where it comes from.</param>
internal sealed record ShownSetting(string Name, string Value, string Origin)
{
    private const string Prefix = "FinanceIngest:";
    private const string Hidden = "(set, not shown)";

    private static readonly string[] s_plain =
    [
        "FinanceIngest:DataDirectory", "FinanceIngest:InboundQueue", "FinanceIngest:AlertQueue", "FinanceIngest:Roles", "AZURE_STORAGE_QUEUE_SERVICE_URI",
    ];

    private static readonly string[] s_secret = ["SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING"];

    /// <summary>Where data lives, and every other setting that is set.</summary>
    public static IReadOnlyList<ShownSetting> All(SettingSources sources)
    {
        string directory = sources.Configuration["FinanceIngest:DataDirectory"] is { } given && !string.IsNullOrWhiteSpace(given) ? given : "data";
        var shown = new List<ShownSetting>
        {
            new("FinanceIngest__DataDirectory", FullPath(directory), sources.OriginOf("FinanceIngest:DataDirectory") ?? "the default, in the current folder"),
        };
        IEnumerable<string> others = sources.Configuration.GetSection("FinanceIngest").AsEnumerable().Select(pair => pair.Key)
            .Concat(s_plain).Concat(s_secret)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Where(key => !key.Equals("FinanceIngest:DataDirectory", StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.OrdinalIgnoreCase);
        shown.AddRange(
            from key in others
            let origin = sources.OriginOf(key)
            where origin is not null
            select new ShownSetting(key.Replace(":", "__", StringComparison.Ordinal), IsSecret(key) ? Hidden : sources.Configuration[key]!, origin));
        return shown;
    }

    // Everything of a channel is taken for a secret, since its address often holds one.
    private static bool IsSecret(string key) =>
        s_secret.Contains(key, StringComparer.OrdinalIgnoreCase)
        || key.Equals(Prefix + "IdSigningKey", StringComparison.OrdinalIgnoreCase)
        || (key.StartsWith(Prefix + "ApiKeys:", StringComparison.OrdinalIgnoreCase) && !key.EndsWith(":Scopes", StringComparison.OrdinalIgnoreCase))
        || key.StartsWith(Prefix + "Notify:", StringComparison.OrdinalIgnoreCase)
        || key.Contains("Secret", StringComparison.OrdinalIgnoreCase) || key.Contains("Password", StringComparison.OrdinalIgnoreCase);

    private static string FullPath(string directory)
    {
        try
        {
            return Path.GetFullPath(directory);
        }
        catch (ArgumentException)
        {
            return directory;
        }
    }
}
