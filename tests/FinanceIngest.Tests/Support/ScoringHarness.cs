using System.Text;
using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Intake;
using FinanceIngest.Observability;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Support;

/// <summary>Everything behind the inbound queue, on embedded storage in a temporary folder. The test controls the clock and the faults.</summary>
internal sealed class ScoringHarness : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDatabase _database;
    private readonly BatchScorer _scorer;

    public ScoringHarness()
    {
        Ids = new IdCertifier("a signing key", Time);
        _database = new SqliteDatabase(_folder.Path, Time, new DependencyStatus("database"));
        Inbound = new FaultingQueue(Queue("transactions-inbound"));
        Poison = new FaultingQueue(Queue("transactions-inbound-poison"));
        Alerts = new FaultingQueue(Queue("anomaly-alerts"));
        Queues = new Queues(Inbound, Poison, Alerts);
        Store = new FaultingScoringStore(new SqliteScoringStore(_database, Time));
        Results = new SqliteResultsStore(_database);
        Outbox = new SqliteAlertOutbox(_database, Time);
        DispatchersOutbox = new FaultingOutbox(Outbox);
        PoisonStore = new SqlitePoisonStore(_database, Time);
        Retention = new SqliteRetentionStore(_database, Time);
        Marker = new AlertMarker(Queues, Outbox, Time);
        Telemetry = TestTelemetry.Create(Time);
        Progress = new SqliteCommandStore(_database);
        Destinations = new SqliteNotificationDestinationStore(_database);
        var erasure = new UserErasure(Retention, new PoisonErasure(PoisonStore, Queues, Ids), Queues);
        Dispatcher = NewDispatcher(DispatchersOutbox, Roles.Scorer | Roles.Dispatcher);
        _scorer = new BatchScorer(
            new ObservedScoringStore(Store, Telemetry), Ids, new Settings { DataDirectory = _folder.Path }, Telemetry, Time, Events,
            followUp: new CommandFollowUp(
                Retention, new SqliteLearningStore(_database, Time), erasure, Progress, Destinations, Time, NullLogger<CommandFollowUp>.Instance));
        Isolation = new FakeIsolation(new MessageScorer(_scorer), Ids, new FakeLeases());
        Processor = NewProcessor();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public Telemetry Telemetry { get; }

    public IdCertifier Ids { get; }

    public FaultingQueue Inbound { get; }

    public FaultingQueue Poison { get; }

    public FaultingQueue Alerts { get; }

    public Queues Queues { get; }

    public FaultingScoringStore Store { get; }

    public SqliteResultsStore Results { get; }

    public SqliteAlertOutbox Outbox { get; }

    public FaultingOutbox DispatchersOutbox { get; }

    public SqlitePoisonStore PoisonStore { get; }

    public SqliteRetentionStore Retention { get; }

    public SqliteCommandStore Progress { get; }

    public SqliteNotificationDestinationStore Destinations { get; }

    public AlertMarker Marker { get; }

    public FakeIsolation Isolation { get; }

    public ScoringEvents Events { get; } = new();

    public BatchScorer Scorer => _scorer;

    public AlertDispatcher Dispatcher { get; }

    public BatchProcessor Processor { get; }

    /// <summary>Adds a baseline with a standard deviation of 500. With the mean of 2000, an amount of 2500 is normal and one of 6000 is an anomaly.</summary>
    public Task AddBaselineAsync(double mean = 2000) =>
        new SqliteBaselineStore(_database, Time).UpsertAsync([new(new(399, 2310), new Baseline(mean, 500, 40))], default);

    public Transaction Transaction(long amount, Guid? id = null, long userId = 399) =>
        new(id ?? Ids.NewId(), userId, 2310, new Money(amount * Money.Scale), Time.UtcNowMicroseconds(), Time.UtcNowMicroseconds());

    public Task<LeasedMessage> SendAsync(params Transaction[] transactions)
    {
        var envelope = new EnvelopeBuilder("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        Assert.All(transactions, transaction => Assert.True(envelope.TryAdd(transaction)));
        return Inbound.SendAsync(envelope.ToBody(), TimeSpan.Zero, default);
    }

    /// <summary>Receives the visible messages and processes them, as the worker does, and returns their number.</summary>
    public async Task<int> ProcessAsync()
    {
        long askedAt = Time.GetTimestamp();
        IReadOnlyList<LeasedMessage> messages = await Inbound.ReceiveAsync(32, Deadlines.Lease, default);
        await Processor.ProcessAsync(messages, askedAt, default);
        return messages.Count;
    }

    /// <summary>Receives the visible messages as a worker does that dies with them in hand, and lets their leases expire.</summary>
    public async Task ReceiveAndDieAsync()
    {
        await Inbound.ReceiveAsync(32, Deadlines.Lease, default);
        Time.Advance(Deadlines.Lease);
    }

    public async Task<TransactionResult?> ResultAsync(Guid id) => await Results.GetAsync([id], default) is [var result] ? result : null;

    public static async Task<IReadOnlyList<string>> TextsAsync(IMessageQueue queue) =>
        [.. (await queue.ReceiveAsync(32, TimeSpan.Zero, default)).Select(message => message.Text)];

    public async Task<IReadOnlyList<string>> AlertsSentAsync() =>
        [.. (await TextsAsync(Alerts)).Select(text => Encoding.UTF8.GetString(Convert.FromBase64String(text)))];

    public BatchProcessor NewProcessor(ILogger? logger = null)
    {
        ILoggerFactory loggers = logger is null ? NullLoggerFactory.Instance : new OneLogger(logger);
        var reader = new EnvelopeReader(Inbound.Name, Ids);
        var settler = new MessageSettler(Queues, Marker, Events, Telemetry, loggers.CreateLogger<MessageSettler>());
        var failures = new FailedMessages(PoisonStore, _scorer, reader, settler, Telemetry, loggers.CreateLogger<FailedMessages>());
        var oneByOne = new MessageScorer(_scorer);
        return new BatchProcessor(
            reader, _scorer, oneByOne, Isolation, settler, failures, Events, Telemetry, Time, loggers.CreateLogger<BatchProcessor>());
    }

    /// <summary>Makes a dispatcher as a process with these roles has it. Each dispatcher claims alerts under its own name.</summary>
    public AlertDispatcher NewDispatcher(IAlertOutbox outbox, Roles roles = Roles.Dispatcher) => new(
        outbox, Queues, Marker, new Settings { DataDirectory = _folder.Path, Roles = roles }, Telemetry, Time, NullLogger<AlertDispatcher>.Instance);

    /// <summary>Runs an action while holding the database's write lock.</summary>
    public Task<int> WriteAsync(Action action) => Task.Run(() => _database.WriteAsync(
        _ =>
        {
            action();
            return 0;
        },
        CancellationToken.None));

    public InboundSender NewSender() => new(Inbound, Telemetry, Time, NullLogger<InboundSender>.Instance, CancellationToken.None);

    public void Dispose()
    {
        Dispatcher.Dispose();
        Marker.Dispose();
        _database.Dispose();
        _queues.ForEach(queue => queue.Dispose());
        _folder.Dispose();
    }

    private readonly List<EmbeddedQueue> _queues = [];

    private EmbeddedQueue Queue(string name)
    {
        var queue = new EmbeddedQueue(_folder.Path, name, Time, new DependencyStatus(name));
        _queues.Add(queue);
        return queue;
    }
}

/// <summary>Gives every class the same logger.</summary>
internal sealed class OneLogger(ILogger logger) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => logger;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
