using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace FinanceIngest.Cli.Running;

/// <summary>
/// The settings of this run, and where each comes from: the command line or the environment. No file is read: whoever can write to the folder from which
/// somebody runs the program could otherwise send it to another installation.
/// </summary>
internal sealed class SettingSources
{
    private const string DataDirectoryKey = "FinanceIngest:DataDirectory";

    private SettingSources(IConfigurationRoot configuration) => Configuration = configuration;

    /// <summary>The settings.</summary>
    public IConfigurationRoot Configuration { get; }

    /// <summary>Where the data directory comes from, for a message.</summary>
    public string DataDirectoryOrigin => OriginOf(DataDirectoryKey) is { } origin ? $"from {origin}" : "the default, ./data in the current folder";

    /// <summary>Reads the environment and the option.</summary>
    public static SettingSources Of(string? dataDirectory)
    {
        IConfigurationBuilder builder = new ConfigurationBuilder().AddEnvironmentVariables();
        return new SettingSources((dataDirectory is null
            ? builder
            : builder.AddInMemoryCollection([new(DataDirectoryKey, dataDirectory)])).Build());
    }

    /// <summary>Where the value of a setting comes from; null when it is not set.</summary>
    /// <param name="key">The setting, its parts separated by colons.</param>
    public string? OriginOf(string key) =>
        Configuration.Providers.LastOrDefault(provider => provider.TryGet(key, out string? value) && !string.IsNullOrWhiteSpace(value)) switch
        {
            null => null,
            EnvironmentVariablesConfigurationProvider => $"the environment variable {key.Replace(":", "__", StringComparison.Ordinal)}",
            _ => "--data-directory",
        };
}
