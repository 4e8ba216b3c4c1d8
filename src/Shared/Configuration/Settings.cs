namespace FinanceIngest.Configuration;

/// <summary>Every setting of the system, validated. <c>docs/configuration.md</c> is the user's view of it.</summary>
public sealed record Settings
{
    /// <summary>The least <see cref="MaximumBytesInFlight"/>, in bytes: the largest body passes when nothing else is in flight.</summary>
    public const long MinimumBytesInFlight = 32L * 1024 * 1024;

    /// <summary>256 MiB, or a quarter of the memory that this process may have (a container's limit, or the machine's) where that is less.</summary>
    public static long DefaultMaximumBytesInFlight => Math.Max(MinimumBytesInFlight, Math.Min(256L * 1024 * 1024, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4));

    /// <summary>SQL Server connection string, or null for embedded SQLite.</summary>
    public string? SqlConnectionString { get; init; }

    /// <summary>Azure Storage connection string.</summary>
    public string? StorageConnectionString { get; init; }

    /// <summary>Queue endpoint, used with managed identity.</summary>
    public Uri? QueueServiceUri { get; init; }

    /// <summary>Full path of the folder of the embedded storage.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>What this process does.</summary>
    public Roles Roles { get; init; }

    /// <summary>Name of the inbound queue.</summary>
    public string InboundQueue { get; init; } = "transactions-inbound";

    /// <summary>Name of the queue of what could not be processed.</summary>
    public string PoisonQueue => InboundQueue + "-poison";

    /// <summary>Name of the alert queue.</summary>
    public string AlertQueue { get; init; } = "anomaly-alerts";

    /// <summary>Anomaly when |z| is greater than this.</summary>
    public double Threshold { get; init; } = 3;

    /// <summary>Fewer samples than this is no baseline.</summary>
    public int MinimumSamples { get; init; } = 2;

    /// <summary>Named keys; none: open on loopback only.</summary>
    public IReadOnlyList<ApiKeySetting> ApiKeys { get; init; } = [];

    /// <summary>Whose bearer tokens are taken beside keys; null: nobody's.</summary>
    internal JwtSettings? Jwt { get; init; }

    /// <summary>Whether callers have to say who they are; else the intake is open, on loopback only.</summary>
    public bool HasCredentials => ApiKeys.Count > 0 || Jwt is not null;

    /// <summary>Secret from which ids are certified; null until <c>SigningKeyFile</c> supplies the embedded one.</summary>
    public string? IdSigningKey { get; init; }

    /// <summary>Requests per key and minute; null: no limit.</summary>
    public int? RateLimitPerMinute { get; init; }

    /// <summary>Bytes that all requests of the process may hold together.</summary>
    public long MaximumBytesInFlight { get; init; } = DefaultMaximumBytesInFlight;

    /// <summary>Connections at once, on Kestrel.</summary>
    public int MaximumConnections { get; init; } = 10_000;

    /// <summary>Rows older than this many days are purged; null: never.</summary>
    public int? RetentionDays { get; init; }

    /// <summary>The longest pause between two polls of an empty inbound queue.</summary>
    public TimeSpan MaximumPollInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether the queues are Azure Storage's.</summary>
    public bool UsesAzureQueues => StorageConnectionString is not null || QueueServiceUri is not null;

    /// <summary>Whether the database is SQL Server.</summary>
    public bool UsesSqlServer => SqlConnectionString is not null;

    /// <summary>Nothing of its content: a record's own text would hold connection strings and the signing key.</summary>
    public override string ToString() => nameof(Settings);
}
