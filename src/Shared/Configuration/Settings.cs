namespace FinanceIngest.Configuration;

/// <summary>Every setting of the system, validated. <c>docs/configuration.md</c> is the user's view of it.</summary>
public sealed record Settings
{
    /// <summary>The smallest legal <see cref="MaximumBytesInFlight"/>, in bytes; the largest legal request fits into it.</summary>
    public const long MinimumBytesInFlight = 32L * 1024 * 1024;

    /// <summary>
    /// The smaller of 256 MiB and a quarter of the memory that this process may use (its container's limit, or the machine's memory), in bytes; never less than
    /// <see cref="MinimumBytesInFlight"/>.
    /// </summary>
    public static long DefaultMaximumBytesInFlight =>
        Math.Max(MinimumBytesInFlight, Math.Min(256L * 1024 * 1024, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4));

    /// <summary>Connection string of SQL Server; null for embedded SQLite.</summary>
    public string? SqlConnectionString { get; init; }

    /// <summary>Connection string of Azure Storage; null when the queues are embedded or reached by <see cref="QueueServiceUri"/>.</summary>
    public string? StorageConnectionString { get; init; }

    /// <summary>Queue endpoint of Azure Storage, used with a managed identity; null when there is none.</summary>
    public Uri? QueueServiceUri { get; init; }

    /// <summary>Full path of the folder of the embedded storage.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The parts of the system that run in this process.</summary>
    public Roles Roles { get; init; }

    /// <summary>Name of the inbound queue.</summary>
    public string InboundQueue { get; init; } = "transactions-inbound";

    /// <summary>Name of the queue to which messages go that could not be processed.</summary>
    public string PoisonQueue => InboundQueue + "-poison";

    /// <summary>Name of the alert queue.</summary>
    public string AlertQueue { get; init; } = "anomaly-alerts";

    /// <summary>Name of the queue to which alerts go that can't be read.</summary>
    public string AlertPoisonQueue => AlertQueue + "-poison";

    /// <summary>The settings of the notifier.</summary>
    public NotifySettings Notify { get; init; } = new();

    /// <summary>
    /// Whether a notifier takes the alerts: where a channel is set, and on Azure queues only where the operator says that no Logic App takes them.
    /// </summary>
    public bool IsNotifying => Notify.Channels.Count > 0 && (!UsesAzureQueues || Notify.ConsumeAlertQueue);

    /// <summary>A transaction is an anomaly when |z| is greater than this; ≥ 0.</summary>
    public double Threshold { get; init; } = 3;

    /// <summary>A baseline with fewer samples than this is not used; ≥ 1.</summary>
    public int MinimumSamples { get; init; } = 2;

    /// <summary>The detector that decides what is an anomaly: one of <see cref="DetectorNames"/>.</summary>
    public string Detector { get; init; } = DetectorNames.ZScore;

    /// <summary>The detectors that score beside it, and never alert.</summary>
    public IReadOnlyList<string> Shadow { get; init; } = [];

    /// <summary>How many alerts a user with the sensitivity "normal" gets in a month of 30.4 days, from the detector that learns; &gt; 0.</summary>
    public double AlertsPerUserMonth { get; init; } = 0.25;

    /// <summary>The language of the sentences about transactions, as a code of ISO 639.</summary>
    public string Language { get; init; } = "en";

    /// <summary>What follows each amount in these sentences, such as <c>EUR</c>; empty: nothing.</summary>
    public string Currency { get; init; } = "";

    /// <summary>Whether a detector of this process learns.</summary>
    public bool Learns => Detector == DetectorNames.Adaptive || Shadow.Contains(DetectorNames.Adaptive);

    /// <summary>Whether a detector of this process uses baselines.</summary>
    public bool UsesBaselines => Detector == DetectorNames.ZScore || Shadow.Contains(DetectorNames.ZScore);

    /// <summary>The most that <see cref="BatchesInHand"/> may be.</summary>
    internal const int MostBatchesInHand = 64;

    /// <summary>
    /// Batches that one process scores at once, 1 … <see cref="MostBatchesInHand"/>. Unless set: 3 on embedded storage, where the batches share a commit; 2
    /// on SQL Server, where each is a session of its own, and a small database allows some dozens of them for all processes together. Two keep the database
    /// busy while the next batch is received and read.
    /// </summary>
    public int BatchesInHand => GivenBatchesInHand ?? (UsesSqlServer ? 2 : 3);

    /// <summary>The value of <see cref="BatchesInHand"/>, where it was set.</summary>
    internal int? GivenBatchesInHand { get; init; }

    /// <summary>The API keys; without keys and tokens the API is open, and listens on loopback only.</summary>
    public IReadOnlyList<ApiKeySetting> ApiKeys { get; init; } = [];

    /// <summary>The issuer whose bearer tokens are accepted in addition to keys; null when tokens are not accepted.</summary>
    public JwtSettings? Jwt { get; init; }

    /// <summary>Whether callers must present a key or a token. If not, the API is open, and listens on loopback only.</summary>
    public bool HasCredentials => ApiKeys.Count > 0 || Jwt is not null;

    /// <summary>
    /// How many seconds the older system's route waits for the result of a request that says nothing about waiting; 0: it does not, as the new route.
    /// </summary>
    public int OlderRouteWaitSeconds { get; init; } = 30;

    /// <summary>Where this installation is reached from outside, with its path and without a slash at its end; null when answers name paths alone.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>The secret that certifies ids; null when <c>SigningKeyFile</c> supplies it.</summary>
    public string? IdSigningKey { get; init; }

    /// <summary>Requests per key and minute; null for no limit.</summary>
    public int? RateLimitPerMinute { get; init; }

    /// <summary>Bytes that all requests of the process may hold together, at least <see cref="MinimumBytesInFlight"/>.</summary>
    public long MaximumBytesInFlight { get; init; } = DefaultMaximumBytesInFlight;

    /// <summary>Connections that Kestrel keeps open at the same time.</summary>
    public int MaximumConnections { get; init; } = 10_000;

    /// <summary>Rows older than this many days are purged; null when rows are kept for ever.</summary>
    public int? RetentionDays { get; init; }

    /// <summary>The longest pause between two polls of an empty inbound queue.</summary>
    public TimeSpan MaximumPollInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Whether this process only reads: it makes no file, folder or queue, upgrades no schema, and takes what is not there for empty. Set by the commands of
    /// <c>finance-ingest</c> that only read, never by a setting.
    /// </summary>
    public bool ReadsOnly { get; init; }

    /// <summary>Whether the queues are in Azure Storage.</summary>
    public bool UsesAzureQueues => StorageConnectionString is not null || QueueServiceUri is not null;

    /// <summary>Whether the database is SQL Server.</summary>
    public bool UsesSqlServer => SqlConnectionString is not null;

    /// <summary>Returns the type's name, because the text that a record makes by default would contain connection strings and the signing key.</summary>
    public override string ToString() => nameof(Settings);
}
