using System.Numerics;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Health;
using FinanceIngest.Http;
using FinanceIngest.Observability;
using FinanceIngest.Transactions;

namespace FinanceIngest.Overview;

/// <summary>
/// The object that <c>GET /api/status</c> answers and <c>GET /api/events</c> sends: how the installation is, whatever is down. What can't be asked is null.
/// </summary>
/// <remarks>
/// The database is asked only beside other work, so that a status page that somebody left open lets a serverless database sleep: while it is awake from work of
/// this process, or while messages wait, for which workers need it anyway. Otherwise its figures are the last known, with the time at which they were read.
/// </remarks>
internal sealed class InstallationStatus(
    InstallationOverview overview, IOverviewStore store, ThisProcess process, Dependencies dependencies, ApiKeys keys, Telemetry telemetry, TimeProvider time)
    : IDisposable
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    // Ten people who watch cost the queues and the database as much as one.
    private static readonly TimeSpan s_kept = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private InstallationFigures _last = new();
    private DatabaseFigures? _lastDatabase;
    private long? _readAt;

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    /// <summary>Whether the database is awake, or messages wait for which workers need it, as of the last reading.</summary>
    public bool IsBusy => store.IsAwake || _last.Inbound is { Length: > 0 };

    /// <summary>Reads the figures, unless they were read within the last second.</summary>
    /// <param name="isFresh">Whether the database is asked in any case, and now.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<InstallationFigures> ReadAsync(bool isFresh, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (!isFresh && _readAt is { } at && time.GetElapsedTime(at) < s_kept)
            {
                return _last;
            }

            InstallationFigures waiting = await overview.ReadQueuesAsync(InstallationOverview.Patience, cancellationToken);
            InstallationFigures known = isFresh || store.IsAwake || waiting.Inbound is { Length: > 0 }
                ? await overview.ReadDatabaseAsync(InstallationOverview.Patience, cancellationToken)
                : new InstallationFigures();
            _lastDatabase = known.Database ?? _lastDatabase;
            _last = waiting with { Database = _lastDatabase, Problems = [.. waiting.Problems, .. known.Problems] };
            _readAt = time.GetTimestamp();
            if (waiting.Inbound is { } inbound)
            {
                telemetry.Recent.History.Waiting(inbound.Transactions, inbound.OldestSeconds);
            }

            return _last;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Writes the object.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="figures">What <see cref="ReadAsync"/> returned.</param>
    /// <param name="isAdmin">Whether the reader sees the keys and the problems too.</param>
    public void Write(Utf8JsonWriter json, InstallationFigures figures, bool isAdmin)
    {
        DateTime now = time.UtcNowMicroseconds();
        json.WriteStartObject();
        json.WriteTime("at", now);
        WriteInbound(json, figures.Inbound);
        WriteNumber(json, "poison", figures.Poison?.Length);
        WriteQueue(json, "alerts", figures.Alerts);
        WriteDatabase(json, figures.Database, now);
        json.WriteStartObject("activity");
        WriteActivity(json, "last_minute", telemetry.Recent.Over(s_minute));
        WriteActivity(json, "last_five_minutes", telemetry.Recent.Over(RecentActivity.Longest));
        json.WriteEndObject();
        json.WriteStartObject("process");
        WriteProcess(json, process);
        json.WriteEndObject();
        json.WriteStartObject("dependencies");
        foreach (DependencyStatus dependency in dependencies.All)
        {
            json.WriteString(dependency.Name, dependency.IsOk ? "ok" : "degraded");
        }

        json.WriteEndObject();
        if (isAdmin)
        {
            WriteKeys(json);
            json.WriteStartArray("problems");
            foreach (string problem in figures.Problems)
            {
                json.WriteStringValue(problem);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteInbound(Utf8JsonWriter json, InboundFigures? inbound)
    {
        if (inbound is null)
        {
            json.WriteNull("inbound");
            return;
        }

        json.WriteStartObject("inbound");
        json.WriteNumber("length", inbound.Length);
        WriteNumber(json, "transactions", inbound.Transactions);
        json.WriteBoolean("transactions_estimated", inbound.IsEstimate);
        json.WriteNumber("oldest_seconds", Rounded(inbound.OldestSeconds));
        json.WriteEndObject();
    }

    private static void WriteQueue(Utf8JsonWriter json, string name, QueueFigures? queue)
    {
        if (queue is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("length", queue.Length);
        json.WriteNumber("oldest_seconds", Rounded(queue.OldestSeconds));
        json.WriteEndObject();
    }

    private static void WriteDatabase(Utf8JsonWriter json, DatabaseFigures? database, DateTime now)
    {
        WriteTime(json, "as_of", database?.AsOf);
        WriteNumber(json, "unsent_alerts", database?.UnsentAlerts);
        if (database?.LastBatch is { } batch)
        {
            json.WriteStartObject("last_batch");
            json.WriteTime("at", batch.At);
            json.WriteNumber("age_seconds", Rounded(Math.Max(0, (now - batch.At).TotalSeconds)));
            json.WriteNumber("transactions", batch.Transactions);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("last_batch");
        }

        if (database is null)
        {
            json.WriteNull("processes");
            return;
        }

        json.WriteStartArray("processes");
        foreach (ProcessSeen seen in database.Processes)
        {
            json.WriteStartObject();
            WriteProcess(json, seen.Process);
            json.WriteTime("seen_at", seen.SeenAt);
            json.WriteNumber("batches", seen.Batches);
            json.WriteNumber("transactions", seen.Transactions);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteProcess(Utf8JsonWriter json, ThisProcess process)
    {
        json.WriteString("instance", process.Instance);
        json.WriteString("program", process.Program);
        json.WriteString("version", process.Version);
        json.WriteStartArray("roles");
        foreach (string role in process.Roles.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            json.WriteStringValue(role);
        }

        json.WriteEndArray();
        json.WriteTime("started_at", process.StartedAt);
    }

    private static void WriteActivity(Utf8JsonWriter json, string name, ActivityFigures activity)
    {
        json.WriteStartObject(name);
        json.WriteNumber("seconds", Rounded(activity.Seconds));
        json.WriteNumber("accepted", activity.Accepted);
        json.WriteNumber("refused", activity.Refused);
        json.WriteNumber("scored", activity.Scored);
        json.WriteNumber("failed", activity.Failed);
        json.WriteNumber("repeats", activity.Repeats);
        json.WriteNumber("anomalies", activity.Anomalies);
        json.WriteNumber("accepted_per_second", Rounded(activity.Accepted / activity.Seconds));
        json.WriteNumber("scored_per_second", Rounded(activity.Scored / activity.Seconds));
        if (activity.Latency is { } latency)
        {
            json.WriteStartObject("latency_seconds");
            json.WriteNumber("p50", Rounded(latency.Median));
            json.WriteNumber("p95", Rounded(latency.P95));
            json.WriteNumber("p99", Rounded(latency.P99));
            json.WriteNumber("max", Rounded(latency.Longest));
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("latency_seconds");
        }

        json.WriteEndObject();
    }

    private void WriteKeys(Utf8JsonWriter json)
    {
        json.WriteStartArray("keys");
        foreach ((string name, Scopes scopes, DateTime? lastUsedAt) in keys.Uses)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteStartArray("scopes");
            foreach (Scopes scope in Enum.GetValues<Scopes>().Where(scope => BitOperations.IsPow2((int)scope) && scopes.HasFlag(scope)))
            {
                json.WriteStringValue(scope.ToString().ToLowerInvariant());
            }

            json.WriteEndArray();
            WriteTime(json, "last_used_at", lastUsedAt);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static void WriteTime(Utf8JsonWriter json, string name, DateTime? value)
    {
        if (value is { } instant)
        {
            json.WriteTime(name, instant);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static double Rounded(double value) => Math.Round(value, 3);
}
