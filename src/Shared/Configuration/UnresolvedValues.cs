using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Configuration;

/// <summary>
/// Finds values that somebody else should have replaced: a reference to a secret that the platform could not resolve, and the placeholder of a template. Taken
/// as they are, a key would be known to everybody, and ids would be certified with a text that stands in a public manual.
/// </summary>
internal static partial class UnresolvedValues
{
    private static readonly string[] s_references = ["@Microsoft.KeyVault(", "@Microsoft.AppConfiguration("];

    private static readonly string[] s_own =
    [
        "FinanceIngest", "SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_QUEUE_SERVICE_URI", "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "AZURE_CLIENT_ID", "ASPNETCORE_URLS", "URLS",
    ];

    /// <summary>Refuses the first such value: a reference in any setting of the process, a placeholder in the settings of this system.</summary>
    /// <exception cref="SettingsException">There is such a value, which the message does not quote.</exception>
    public static void Refuse(IConfiguration configuration)
    {
        foreach ((string path, string? value) in configuration.AsEnumerable())
        {
            if (value is null)
            {
                continue;
            }

            if (Array.Find(s_references, reference => value.Contains(reference, StringComparison.OrdinalIgnoreCase)) is { } found)
            {
                throw new SettingsException(
                    EnvironmentName(path),
                    $"holds the unresolved reference {found}…). The platform could not read it: check the reference, and the identity's right to the secret.");
            }

            if (s_own.Contains(path.Split(':')[0], StringComparer.OrdinalIgnoreCase) && !IsTemplate(path) && IsPlaceholder(path, value.Trim()))
            {
                throw new SettingsException(EnvironmentName(path), "holds a placeholder that nothing has replaced, such as ${NAME}, %NAME% or <name>.");
            }
        }
    }

    // Braces are what the templates of a channel are made of.
    private static bool IsTemplate(string path) =>
        path.StartsWith("FinanceIngest:", StringComparison.OrdinalIgnoreCase) && NotifySettingsReader.IsTemplate(path["FinanceIngest:".Length..]);

    private static bool IsPlaceholder(string path, string value) =>
        Whole().IsMatch(value) || Within().IsMatch(value)
        || (path.EndsWith(":DataDirectory", StringComparison.OrdinalIgnoreCase) && BeginningOfPath().IsMatch(value));

    private static string EnvironmentName(string path) => path.Replace(":", "__", StringComparison.Ordinal);

    // ${NAME}, $(NAME), $NAME, %NAME%, #{NAME}#, {{ NAME }}, __NAME__, <name>
    [GeneratedRegex(
        @"^(\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|#\{[^}]*\}#?|\{\{[^}]*\}\}|__[A-Za-z][A-Za-z0-9_]*__|<[^<>]+>)$")]
    private static partial Regex Whole();

    // Of these forms it is all but impossible that a password has one by chance.
    [GeneratedRegex(@"\$\{[A-Za-z_][A-Za-z0-9_.:-]*\}|\$\([A-Za-z_][A-Za-z0-9_.-]*\)|#\{[A-Za-z_][A-Za-z0-9_.-]*\}#|\{\{ *[A-Za-z_.][A-Za-z0-9_.-]* *\}\}")]
    private static partial Regex Within();

    // Only a shell replaces these: a folder of that name would be made.
    [GeneratedRegex(@"^(~[/\\]|~$|\$[A-Za-z_]|%[A-Za-z_][A-Za-z0-9_]*%)")]
    private static partial Regex BeginningOfPath();
}
