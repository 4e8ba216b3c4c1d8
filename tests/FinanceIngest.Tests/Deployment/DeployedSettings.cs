using FinanceIngest.Configuration;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Tests.Deployment;

/// <summary>Reads the environment that a deployment gives to a program, as the program itself reads it.</summary>
internal static class DeployedSettings
{
    /// <summary>The settings' defaults.</summary>
    public static Settings Unset { get; } = new() { DataDirectory = "" };

    /// <summary>Names that FinanceIngest's settings reader does not read. Every other name in an environment must be a setting of the program.</summary>
    private static readonly HashSet<string> s_foreign =
        ["APPLICATIONINSIGHTS_CONNECTION_STRING", "ASPNETCORE_URLS", "AZURE_CLIENT_ID", "FINANCE_INGEST_KEY", "FINANCE_INGEST_URL",
        "OTEL_EXPORTER_OTLP_ENDPOINT"];

    private static readonly HashSet<string> s_unprefixed =
        ["SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_QUEUE_SERVICE_URI"];

    /// <summary>Reads the settings. Fails on a name that no program knows, and on a value that the program refuses.</summary>
    public static Settings Read(IReadOnlyDictionary<string, string> environment, ProgramKind program)
    {
        foreach (string name in environment.Keys)
        {
            // SettingsReader refuses unknown names below FinanceIngest__, so only names outside that section are left to check.
            bool isRead = s_foreign.Contains(name) || s_unprefixed.Contains(name) || name.StartsWith("FinanceIngest__", StringComparison.Ordinal);
            Assert.True(isRead, $"Nobody reads {name}.");
        }

        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(environment.Select(
                pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)Resolved(pair.Value))))
            .Build();
        return SettingsReader.Read(configuration, program);
    }

    // The platform hands a program the secret, never the reference.
    private static string Resolved(string value) => value.StartsWith("@Microsoft.KeyVault(", StringComparison.Ordinal) ? "the secret" : value;

    /// <summary>Asserts that a deployment uses Azure's queues under their default names, and SQL Server.</summary>
    public static void AssertQueues(Settings settings)
    {
        Assert.Equal(Unset.InboundQueue, settings.InboundQueue);
        Assert.Equal(Unset.PoisonQueue, settings.PoisonQueue);
        Assert.Equal(Unset.AlertQueue, settings.AlertQueue);
        Assert.True(settings.UsesAzureQueues);
        Assert.True(settings.UsesSqlServer);
    }

    /// <summary>Returns a copy of the environment in which one name is misspelt.</summary>
    public static Dictionary<string, string> Misspelt(this IReadOnlyDictionary<string, string> environment, string name)
    {
        var copy = environment.ToDictionary();
        Assert.True(copy.Remove(name, out string? value));
        copy[name + "s"] = value!;
        return copy;
    }
}
