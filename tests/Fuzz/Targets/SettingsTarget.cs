using System.Text;
using FinanceIngest.Configuration;
using FinanceIngest.Fuzz.Engine;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Settings of all programs, as lines of <c>NAME=value</c>.</summary>
internal sealed class SettingsTarget : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => "settings";

    /// <inheritdoc/>
    public override string Properties => "read, or refused with one line that names a setting; every value within its limits";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "\n", "=", "FinanceIngest__", "FinanceIngest__Roles=intake,scorer", "FinanceIngest__InboundQueue=", "FinanceIngest__AlertQueue=anomaly-alerts",
        "FinanceIngest__Scoring__Threshold=", "FinanceIngest__Scoring__MinimumSamples=2",
        "FinanceIngest__ApiKeys__a__Secret=s3cr3t", "FinanceIngest__ApiKeys__a__Scopes=submit,read,manage,admin", "FinanceIngest__IdSigningKey=s3cr3t",
        "FinanceIngest__RateLimit__PerMinute=600", "FinanceIngest__Retention__Days=",
        "FinanceIngest__DataDirectory=/tmp/x", "FinanceIngest__Polling__MaximumSeconds=2", "AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true",
        "AZURE_STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=https;AccountName=a;AccountKey=",
        "AZURE_STORAGE_QUEUE_SERVICE_URI=https://a.queue.core.windows.net", "SQL_CONNECTION_STRING=Server=s;Database=d", ":", "__", ",",
        "EndpointSuffix=core.windows.net", "QueueEndpoint=", "SharedAccessSignature=", "http://", "\0", "../",
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int length) => (4L << 20) + (16_384L * length);

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in Encoding.UTF8.GetString(input).Split('\n'))
        {
            string[] pair = line.Split('=', 2);
            values[pair[0].Replace("__", ":", StringComparison.Ordinal)] = pair.Length > 1 ? pair[1] : null;
        }

        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(values).Build();
        return string.Join(' ', Enum.GetValues<ProgramKind>().Select(program => Read(configuration, program)));
    }

    private static string Read(IConfiguration configuration, ProgramKind program)
    {
        Settings settings;
        try
        {
            settings = SettingsReader.Read(configuration, program);
        }
        catch (SettingsException e)
        {
            Property.Holds(!e.Message.Any(char.IsControl), "a refusal is one line", $"{e.Message}");
            return Texts.Shape(e.Message);
        }

        Property.Holds(
            settings is { Threshold: >= 0, MinimumSamples: >= 1 } && double.IsFinite(settings.Threshold),
            "the rule's numbers have their limits",
            $"{settings.Threshold} {settings.MinimumSamples}");
        Property.Holds(
            !(settings.RateLimitPerMinute < 1) && !(settings.RetentionDays < 1) && settings.MaximumPollInterval > TimeSpan.Zero,
            "counts are positive",
            $"{settings.RateLimitPerMinute} {settings.RetentionDays}");
        Property.Holds(
            settings.PoisonQueue.Length <= 63 && new HashSet<string> { settings.InboundQueue, settings.PoisonQueue, settings.AlertQueue }.Count == 3,
            "three queues have three legal names",
            $"{settings.InboundQueue} {settings.AlertQueue}");
        Property.Same(settings.ApiKeys.Count, settings.ApiKeys.Select(key => key.Secret).Distinct().Count(), "no two keys are alike");
        Property.Holds(Path.IsPathFullyQualified(settings.DataDirectory), "the data directory is a full path", $"{settings.DataDirectory}");
        return $"{settings.Roles} {settings.UsesAzureQueues} {settings.UsesSqlServer} {settings.ApiKeys.Count}";
    }
}
