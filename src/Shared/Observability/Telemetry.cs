using System.Diagnostics;
using System.Diagnostics.Metrics;
using FinanceIngest.Configuration;

namespace FinanceIngest.Observability;

/// <summary>
/// What a process tells of itself: the meter <c>FinanceIngest</c> here, the spans in the other half. Names follow OpenTelemetry's semantic
/// conventions where there are any (https://opentelemetry.io/docs/specs/semconv/). Nothing of it costs more than a test of a flag per batch
/// or message while nobody listens. Tags hold no ids and no amounts.
/// </summary>
internal sealed partial class Telemetry
{
    /// <summary>Name of the meter and of the source of spans.</summary>
    public const string Name = "FinanceIngest";

    private static readonly InstrumentAdvice<double> s_operations = new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] };
    private static readonly InstrumentAdvice<double> s_latencies = new() { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400] };
    private static readonly InstrumentAdvice<int> s_sizes = new() { HistogramBucketBoundaries = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] };

    private readonly TimeProvider _time;
    private readonly string _messagingSystem;
    private readonly string _databaseSystem;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _shed;
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

    /// <param name="meters">Makes the meter.</param>
    /// <param name="settings">Which queues and which database these are.</param>
    /// <param name="time">Clock.</param>
    public Telemetry(IMeterFactory meters, Settings settings, TimeProvider time)
    {
        _time = time;
        _messagingSystem = settings.UsesAzureQueues ? "azure_queue_storage" : "finance_ingest_embedded";
        _databaseSystem = settings.UsesSqlServer ? "microsoft.sql_server" : "sqlite";
        Meter = meters.Create(Name);
        _accepted = Meter.CreateCounter<long>("finance_ingest.transactions.accepted", "{transaction}", "Transactions that became durable on the inbound queue, or were refused.");
        _shed = Meter.CreateCounter<long>("finance_ingest.requests.shed", "{request}", "Requests answered with 429 or 503, by finance_ingest.reason: the last part of the problem's type.");
        _scored = Meter.CreateCounter<long>("finance_ingest.transactions.scored", "{transaction}", "Rows that became scored.");
        _failed = Meter.CreateCounter<long>("finance_ingest.transactions.failed", "{transaction}", "Transactions given up as failed; one that comes again counts again.");
        _repeats = Meter.CreateCounter<long>("finance_ingest.transactions.repeats", "{transaction}", "Transactions whose row was there already.");
        _conflicts = Meter.CreateCounter<long>("finance_ingest.transactions.conflicts", "{transaction}", "Repeats that differ from their row.");
        _anomalies = Meter.CreateCounter<long>("finance_ingest.anomalies", "{anomaly}", "New anomalies: alerts added to the outbox.");
        _poison = Meter.CreateCounter<long>("finance_ingest.messages.poison", "{message}", "Messages given up.");
        _leasesLost = Meter.CreateCounter<long>("finance_ingest.leases.lost", "{lease}", "Leases that ended with their message in hand, by finance_ingest.stage: renew, commit (nothing was written for it), delete (its rows are written).");
        _retries = Meter.CreateCounter<long>("finance_ingest.retries", "{retry}", "Tries that failed and come again, by finance_ingest.cause: message, scoring, alerts.");
        _latency = Meter.CreateHistogram("finance_ingest.transaction.latency", "s", "From a transaction's acceptance to the commit of its row.", advice: s_latencies);
        _batchTransactions = Meter.CreateHistogram("finance_ingest.batch.transactions", "{transaction}", "Transactions written together.", advice: s_sizes);
        _batchMessages = Meter.CreateHistogram("finance_ingest.batch.messages", "{message}", "Messages scored together.", advice: s_sizes);
        _sent = Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Messages that were sent, or failed to be.");
        _consumed = Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Messages that were received for scoring.");
        _processing = Meter.CreateHistogram("messaging.process.duration", "s", "Scoring of a batch, from its receipt to its deletion.", advice: s_operations);
        _queueOperations = Meter.CreateHistogram("messaging.client.operation.duration", "s", "Sends.", advice: s_operations);
        _databaseOperations = Meter.CreateHistogram("db.client.operation.duration", "s", "Loading of baselines and writing of batches.", advice: s_operations);
        Meter.CreateObservableGauge("finance_ingest.alerts.unsent", ObserveUnsentAlerts, "{alert}", "Alerts unsent when the dispatcher last looked.");
    }

    /// <summary>The meter.</summary>
    public Meter Meter { get; }

    /// <summary>A moment from which a duration counts.</summary>
    public long Now => _time.GetTimestamp();

    /// <summary>
    /// Shows the counters that alert rules watch from zero on. Otherwise a counter would first be seen at one, and a rule, which compares two
    /// readings, would miss what happened first. To be called when exporters listen; before that it does nothing.
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
        _poison.Add(0);
        _leasesLost.Add(0);
        foreach (string cause in new[] { "message", "scoring", "alerts" })
        {
            _retries.Add(0, Cause(cause));
        }
    }

    /// <summary>Transactions became durable on the inbound queue, or their send failed.</summary>
    public void Accepted(int transactions, Exception? failure) =>
        _accepted.Add(transactions, Outcome(failure is null ? "durable" : "refused"));

    /// <summary>A request was refused, to come again.</summary>
    /// <param name="reason">Last part of the problem's type: <c>overloaded</c>, <c>queue</c>, <c>rate-limit</c> …</param>
    public void Shed(string reason) => _shed.Add(1, new KeyValuePair<string, object?>("finance_ingest.reason", reason));

    /// <summary>What requests hold, whenever somebody asks.</summary>
    /// <param name="observe">Bytes.</param>
    public void ObserveBytesInFlight(Func<long> observe) =>
        Meter.CreateObservableGauge("finance_ingest.requests.bytes_in_flight", observe, "By", "Bytes that requests hold: bodies, transactions that wait for their send, answers.");

    /// <summary>A message was sent, or failed to be.</summary>
    public void Sent(string queue, long startedAt, Exception? failure)
    {
        if (_sent.Enabled || _queueOperations.Enabled)
        {
            TagList tags = Messaging("send", queue, failure);
            _sent.Add(1, tags);
            _queueOperations.Record(_time.GetElapsedTime(startedAt).TotalSeconds, tags);
        }
    }

    /// <summary>A batch of messages came to its end.</summary>
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

    /// <summary>A batch was committed.</summary>
    /// <param name="transactions">Transactions in it, repeats and failed ones included.</param>
    /// <param name="counts">What became of them.</param>
    /// <param name="acceptedAt">When each scored transaction was accepted (UTC). It is enumerated only while somebody collects latencies.</param>
    internal void BatchWritten(int transactions, in WrittenTransactions counts, IEnumerable<DateTime> acceptedAt)
    {
        Written(counts);
        _batchTransactions.Record(transactions);
        if (_latency.Enabled)
        {
            DateTime now = _time.GetUtcNow().UtcDateTime;
            foreach (DateTime accepted in acceptedAt)
            {
                // The clocks of two machines differ.
                _latency.Record(Math.Max(0, (now - accepted).TotalSeconds));
            }
        }
    }

    /// <summary>Transactions were committed, here or by a child process, which exports nothing itself.</summary>
    internal void Written(in WrittenTransactions counts)
    {
        _scored.Add(counts.Scored);
        _failed.Add(counts.Failed);
        _repeats.Add(counts.Repeats);
        _conflicts.Add(counts.Conflicts);
        _anomalies.Add(counts.Anomalies);
    }

    /// <summary>The database answered, or failed to.</summary>
    public void Queried(string operation, string table, long startedAt, Exception? failure)
    {
        if (_databaseOperations.Enabled)
        {
            var tags = new TagList { { "db.system.name", _databaseSystem }, { "db.operation.name", operation }, { "db.collection.name", table } };
            AddError(ref tags, failure);
            _databaseOperations.Record(_time.GetElapsedTime(startedAt).TotalSeconds, tags);
        }
    }

    /// <summary>A message was given up.</summary>
    public void Poisoned() => _poison.Add(1);

    /// <summary>A lease ended with its message in hand.</summary>
    /// <param name="stage">Where it showed: <c>renew</c>, <c>commit</c> or <c>delete</c>.</param>
    public void LeaseLost(string stage) => _leasesLost.Add(1, new KeyValuePair<string, object?>("finance_ingest.stage", stage));

    /// <summary>Something failed and is tried again.</summary>
    /// <param name="cause"><c>message</c>, <c>scoring</c> or <c>alerts</c>.</param>
    public void Retried(string cause) => _retries.Add(1, Cause(cause));

    /// <summary>The dispatcher has counted the alerts that are unsent.</summary>
    public void UnsentAlerts(long count) => Interlocked.Exchange(ref _unsentAlerts, count);

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

    // Nothing before the dispatcher has looked: a process without one does not know.
    private IEnumerable<Measurement<long>> ObserveUnsentAlerts() =>
        Interlocked.Read(ref _unsentAlerts) is var count and >= 0 ? [new Measurement<long>(count)] : [];
}
