using System.Diagnostics;
using System.Diagnostics.Metrics;
using FinanceIngest.Configuration;

namespace FinanceIngest.Observability;

/// <summary>
/// The metrics of a process, as the meter <c>FinanceIngest</c>; the other file of this class has the spans. Names follow OpenTelemetry's semantic conventions
/// where there are any (https://opentelemetry.io/docs/specs/semconv/). While nothing is collected, a batch or a message costs no more than the test of a
/// flag. Tags contain no ids and no amounts.
/// </summary>
internal sealed partial class Telemetry
{
    /// <summary>The name of the meter and of the source of spans.</summary>
    public const string Name = "FinanceIngest";

    private static readonly InstrumentAdvice<double> s_operations = Buckets(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30);
    private static readonly InstrumentAdvice<double> s_latencies = Buckets(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400);
    private static readonly InstrumentAdvice<int> s_sizes = Buckets(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000);

    private readonly TimeProvider _time;
    private readonly string _messagingSystem;
    private readonly string _databaseSystem;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _shed;
    private readonly Counter<long> _callersRefused;
    private readonly Counter<long> _scored;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _repeats;
    private readonly Counter<long> _conflicts;
    private readonly Counter<long> _anomalies;
    private readonly Counter<long> _poison;
    private readonly Counter<long> _leasesLost;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _consumed;
    private readonly Histogram<double> _latency;
    private readonly Histogram<double> _processing;
    private readonly Histogram<double> _queueOperations;
    private readonly Histogram<double> _databaseOperations;
    private readonly Histogram<int> _batchTransactions;
    private readonly Histogram<int> _batchMessages;
    private long _unsentAlerts = -1;

    /// <param name="meters">The factory of the meter.</param>
    /// <param name="settings">Decides how tags name the kind of queues and database.</param>
    /// <param name="time">The clock.</param>
    public Telemetry(IMeterFactory meters, Settings settings, TimeProvider time)
    {
        _time = time;
        Recent = new RecentActivity(time);
        _messagingSystem = settings.UsesAzureQueues ? "azure_queue_storage" : "finance_ingest_embedded";
        _databaseSystem = settings.UsesSqlServer ? "microsoft.sql_server" : "sqlite";
        Meter = meters.Create(Name);
        _accepted = Meter.CreateCounter<long>(
            "finance_ingest.transactions.accepted", "{transaction}", "Transactions by finance_ingest.outcome: durable on the inbound queue, or refused.");
        _shed = Meter.CreateCounter<long>(
            "finance_ingest.requests.shed", "{request}", "Requests answered with 429 or 503, by finance_ingest.reason: the last part of the problem's type.");
        _callersRefused = Meter.CreateCounter<long>(
            "finance_ingest.requests.unauthorized", "{request}",
            "Requests answered with 401 or 403, by finance_ingest.reason: missing, unknown (key), token, scope.");
        _scored = Meter.CreateCounter<long>("finance_ingest.transactions.scored", "{transaction}", "Rows that became scored.");
        _failed = Meter.CreateCounter<long>(
            "finance_ingest.transactions.failed", "{transaction}", "Transactions given up as failed; each delivery of the same transaction counts.");
        _repeats = Meter.CreateCounter<long>("finance_ingest.transactions.repeats", "{transaction}", "Transactions whose row existed already.");
        _conflicts = Meter.CreateCounter<long>("finance_ingest.transactions.conflicts", "{transaction}", "Repeats that differ from their row.");
        _anomalies = Meter.CreateCounter<long>("finance_ingest.anomalies", "{anomaly}", "New anomalies, whose alerts were added to the outbox.");
        _poison = Meter.CreateCounter<long>("finance_ingest.messages.poison", "{message}", "Messages given up as poison.");
        _leasesLost = Meter.CreateCounter<long>(
            "finance_ingest.leases.lost",
            "{lease}",
            "Leases that ended while their message was being processed, by finance_ingest.stage: "
                + "renew, commit (no rows of the message were written), delete (its rows were written).");
        _retries = Meter.CreateCounter<long>(
            "finance_ingest.retries", "{retry}",
            "Attempts that failed and will be repeated, by finance_ingest.cause: message, scoring, alerts, notifications.");
        _latency = Meter.CreateHistogram(
            "finance_ingest.transaction.latency", "s", "Time from a transaction's acceptance to the commit of its row.", advice: s_latencies);
        _batchTransactions = Meter.CreateHistogram("finance_ingest.batch.transactions", "{transaction}", "Transactions written together.", advice: s_sizes);
        _batchMessages = Meter.CreateHistogram("finance_ingest.batch.messages", "{message}", "Messages scored together.", advice: s_sizes);
        _sent = Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Messages whose send was attempted; error.type tells failures.");
        _consumed = Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Messages received for scoring.");
        _processing = Meter.CreateHistogram(
            "messaging.process.duration", "s", "Duration of a batch, from its receipt to the deletion of its messages.", advice: s_operations);
        _queueOperations = Meter.CreateHistogram("messaging.client.operation.duration", "s", "Duration of a send.", advice: s_operations);
        _databaseOperations = Meter.CreateHistogram(
            "db.client.operation.duration", "s", "Duration of loading baselines or writing a batch.", advice: s_operations);
        _notifications = new NotificationInstruments(this);
        Meter.CreateObservableGauge(
            "finance_ingest.alerts.unsent", ObserveUnsentAlerts, "{alert}", "Unsent alerts at the dispatcher's last count.");
    }

    /// <summary>The meter.</summary>
    public Meter Meter { get; }

    /// <summary>What this process did in the last minutes.</summary>
    internal RecentActivity Recent { get; }

    /// <summary>The current timestamp, for the parameters named <c>startedAt</c>.</summary>
    public long Now => _time.GetTimestamp();

    /// <summary>
    /// Adds zero to the counters that alert rules watch, so that they are exported from zero on. A rule compares two readings, and would miss the first event
    /// of
    /// a counter that first appears as one. The call has an effect only after the exporters have started.
    /// </summary>
    public void Begin()
    {
        _accepted.Add(0, Outcome("durable"));
        _accepted.Add(0, Outcome("refused"));
        _scored.Add(0);
        _failed.Add(0);
        _repeats.Add(0);
        _conflicts.Add(0);
        _anomalies.Add(0);
        foreach (string reason in new[] { "missing", "unknown", "token", "scope" })
        {
            CallerRefused(reason, 0);
        }

        _poison.Add(0);
        _notifications.Alerts.Add(0, Outcome("poison"));
        _leasesLost.Add(0);
        foreach (string cause in new[] { "message", "scoring", "alerts", "notifications" })
        {
            _retries.Add(0, Cause(cause));
        }
    }

    /// <summary>Counts transactions whose send succeeded or failed.</summary>
    public void Accepted(int transactions, Exception? failure)
    {
        _accepted.Add(transactions, Outcome(failure is null ? "durable" : "refused"));
        Recent.Accepted(transactions, isDurable: failure is null);
    }

    /// <summary>Counts a request that was refused for now.</summary>
    /// <param name="reason">Last part of the problem's type: <c>overloaded</c>, <c>queue</c>, <c>rate-limit</c> …</param>
    public void Shed(string reason) => _shed.Add(1, new KeyValuePair<string, object?>("finance_ingest.reason", reason));

    /// <summary>Counts requests whose caller was refused.</summary>
    /// <param name="reason"><c>missing</c>, <c>unknown</c>, <c>token</c> or <c>scope</c>.</param>
    /// <param name="requests">How many.</param>
    public void CallerRefused(string reason, int requests = 1) =>
        _callersRefused.Add(requests, new KeyValuePair<string, object?>("finance_ingest.reason", reason));

    /// <summary>Adds the gauge of the memory that requests hold.</summary>
    /// <param name="observe">Returns the bytes held now.</param>
    public void ObserveBytesInFlight(Func<long> observe) =>
        Meter.CreateObservableGauge(
            "finance_ingest.requests.bytes_in_flight", observe, "By", "Bytes that requests hold: bodies, transactions that wait for their send, answers.");

    /// <summary>Records a send that succeeded or failed.</summary>
    public void Sent(string queue, long startedAt, Exception? failure)
    {
        if (_sent.Enabled || _queueOperations.Enabled)
        {
            TagList tags = Messaging("send", queue, failure);
            _sent.Add(1, tags);
            _queueOperations.Record(_time.GetElapsedTime(startedAt).TotalSeconds, tags);
        }
    }

    /// <summary>Records that a batch of messages was processed, or that its processing failed.</summary>
    public void Processed(string queue, int messages, long startedAt, Exception? failure)
    {
        if (_consumed.Enabled || _processing.Enabled || _batchMessages.Enabled)
        {
            TagList tags = Messaging("process", queue, failure);
            _consumed.Add(messages, tags);
            _processing.Record(_time.GetElapsedTime(startedAt).TotalSeconds, tags);
            _batchMessages.Record(messages);
        }
    }

    /// <summary>Records a committed batch.</summary>
    /// <param name="transactions">Transactions in the batch, including repeats and failed transactions.</param>
    /// <param name="counts">The outcomes of these transactions.</param>
    /// <param name="acceptedAt">The time of acceptance (UTC) of each scored transaction.</param>
    internal void BatchWritten(int transactions, in WrittenTransactions counts, IReadOnlyList<DateTime> acceptedAt)
    {
        Written(counts);
        _batchTransactions.Record(transactions);
        DateTime now = _time.GetUtcNow().UtcDateTime;

        Recent.Took(acceptedAt, now);
        if (_latency.Enabled)
        {
            foreach (DateTime accepted in acceptedAt)
            {
                // The clocks of two machines differ, and so the difference may be negative.
                _latency.Record(Math.Max(0, (now - accepted).TotalSeconds));
            }
        }
    }

    /// <summary>Counts committed transactions of this process, or of a child process, which exports no metrics itself.</summary>
    internal void Written(in WrittenTransactions counts)
    {
        _scored.Add(counts.Scored);
        _failed.Add(counts.Failed);
        _repeats.Add(counts.Repeats);
        _conflicts.Add(counts.Conflicts);
        _anomalies.Add(counts.Anomalies);
        Recent.Written(counts);
    }

    /// <summary>Records a round trip to the database that succeeded or failed.</summary>
    public void Queried(string operation, string table, long startedAt, Exception? failure)
    {
        if (_databaseOperations.Enabled)
        {
            var tags = new TagList { { "db.system.name", _databaseSystem }, { "db.operation.name", operation }, { "db.collection.name", table } };
            AddError(ref tags, failure);
            _databaseOperations.Record(_time.GetElapsedTime(startedAt).TotalSeconds, tags);
        }
    }

    /// <summary>Counts a message that was given up as poison.</summary>
    public void Poisoned() => _poison.Add(1);

    /// <summary>Counts a lease that ended while its message was being processed.</summary>
    /// <param name="stage">The step that found out: <c>renew</c>, <c>commit</c> or <c>delete</c>.</param>
    public void LeaseLost(string stage) => _leasesLost.Add(1, new KeyValuePair<string, object?>("finance_ingest.stage", stage));

    /// <summary>Counts an attempt that failed and will be repeated.</summary>
    /// <param name="cause"><c>message</c>, <c>scoring</c>, <c>alerts</c> or <c>notifications</c>.</param>
    public void Retried(string cause) => _retries.Add(1, Cause(cause));

    /// <summary>Sets the number of unsent alerts that the dispatcher counted.</summary>
    public void UnsentAlerts(long count) => Interlocked.Exchange(ref _unsentAlerts, count);

    private static InstrumentAdvice<T> Buckets<T>(params T[] boundaries)
        where T : struct => new() { HistogramBucketBoundaries = boundaries };

    private static KeyValuePair<string, object?> Outcome(string outcome) => new("finance_ingest.outcome", outcome);

    private static KeyValuePair<string, object?> Cause(string cause) => new("finance_ingest.cause", cause);

    private static void AddError(ref TagList tags, Exception? failure)
    {
        if (failure is not null)
        {
            tags.Add("error.type", failure.GetType().FullName);
        }
    }

    private TagList Messaging(string operation, string queue, Exception? failure)
    {
        var tags = new TagList { { "messaging.system", _messagingSystem }, { "messaging.operation.name", operation }, { "messaging.destination.name", queue } };
        AddError(ref tags, failure);
        return tags;
    }

    // A process without a dispatcher does not know the number, so it reports none.
    private IEnumerable<Measurement<long>> ObserveUnsentAlerts() =>
        Interlocked.Read(ref _unsentAlerts) is var count and >= 0 ? [new Measurement<long>(count)] : [];
}
