using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using MailKit.Net.Smtp;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Notifications;

/// <summary>A notifier on embedded storage in a temporary folder. The test controls the clock, and says when alerts are taken and messages sent.</summary>
internal sealed class NotifierHarness : IAsyncDisposable
{
    public const string Secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDatabase _database;
    private readonly List<IAsyncDisposable> _open = [];
    private readonly ChannelHttp _http;

    public NotifierHarness(params (string Name, string Value)[] settings)
    {
        Settings = Read(settings) with { DataDirectory = _folder.Path };
        _database = new SqliteDatabase(_folder.Path, Time, new DependencyStatus("database"));
        Alerts = new FaultingQueue(Queue("anomaly-alerts"));
        Poison = Queue("anomaly-alerts-poison");
        Store = new SqliteDeliveryStore(_database, Time);
        Destinations = new SqliteNotificationDestinationStore(_database);
        Telemetry = TestTelemetry.Create(Time);
        _http = new ChannelHttp(Time, new GuardedConnector());
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public Settings Settings { get; }

    public FaultingQueue Alerts { get; }

    public EmbeddedQueue Poison { get; }

    public SqliteDeliveryStore Store { get; }

    public SqliteNotificationDestinationStore Destinations { get; }

    public SqliteDatabase Database => _database;

    public Telemetry Telemetry { get; }

    /// <summary>Whether the marker of open deliveries is used, as on Azure queues.</summary>
    public bool HasAutoscaler { get; init; }

    /// <summary>Makes the channel of a test; null: the real one.</summary>
    public Func<ChannelSettings, INotificationChannel?> Make { get; set; } = _ => null;

    /// <summary>Changes the client of each mail connection.</summary>
    public Action<SmtpClient> OnMailClient { get; set; } = client =>
        client.ServerCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost";

    public static Settings Read(params (string Name, string Value)[] settings) => SettingsReader.Read(
        new ConfigurationBuilder().AddInMemoryCollection(
            settings.Select(pair => KeyValuePair.Create(
                $"FinanceIngest:Notify:{pair.Name.Replace("__", ":", StringComparison.Ordinal)}", (string?)pair.Value))).Build(),
        ProgramKind.IngestServer);

    /// <summary>The settings of a webhook channel.</summary>
    public static (string Name, string Value)[] Webhook(string name, string address, params (string Name, string Value)[] more) =>
    [
        ($"Channels__{name}__Type", "webhook"), ($"Channels__{name}__Url", address), ($"Channels__{name}__Secret", Secret),
        .. more.Select(pair => ($"Channels__{name}__{pair.Name}", pair.Value)),
    ];

    /// <summary>The settings of a mail channel.</summary>
    public static (string Name, string Value)[] Mail(string name, int port, params (string Name, string Value)[] more) =>
    [
        ($"Channels__{name}__Type", "smtp"), ($"Channels__{name}__Host", "127.0.0.1"), ($"Channels__{name}__Port", $"{port}"),
        ($"Channels__{name}__From", "Finance Tracker <alerts@finance.example>"),
        .. more.Any(pair => pair.Name is "To" or "ToUsers") ? [] : new[] { ($"Channels__{name}__To", "family@home.example") },
        .. more.Any(pair => pair.Name == "Security") ? [] : new[] { ($"Channels__{name}__Security", "none") },
        .. more.Select(pair => ($"Channels__{name}__{pair.Name}", pair.Value)),
    ];

    /// <summary>The message of an alert.</summary>
    public static string Alert(Guid id, long userId = 399, string more = "") =>
        $$"""
        {"user_id":{{userId}},"category_id":2310,"amount":6000,"z_score":8.0,"alert_id":"{{id}}","transaction_id":"0192f3a4-0000-7000-8000-000000000001",
        "mean":2000,"std_dev":500,"occurred_at":"2026-01-31T12:00:00.000000Z","scored_at":"2026-01-31T12:00:00.000000Z"{{more}}}
        """;

    /// <summary>Puts alerts on their queue and returns their ids.</summary>
    public async Task<Guid[]> AlertAsync(int count = 1, long userId = 399, string more = "")
    {
        Guid[] ids = [.. Enumerable.Range(0, count).Select(_ => Guid.NewGuid())];
        foreach (Guid id in ids)
        {
            await Alerts.SendAsync(MessageText.Encode(Alert(id, userId, more)), TimeSpan.Zero, default);
        }

        return ids;
    }

    /// <summary>The notifier of a process of its own.</summary>
    public Process NewProcess(IDeliveryStore? store = null, INotificationDestinationStore? destinations = null, IMessageQueue? alerts = null) => new(
        this, store ?? Store, destinations ?? Destinations, alerts ?? Alerts);

    /// <summary>Takes all alerts and sends what is due, in a process that lives no longer.</summary>
    public async Task RunAsync()
    {
        Process process = NewProcess();
        await process.TakeAllAsync();
        await process.DrainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable item in _open)
        {
            await item.DisposeAsync();
        }

        _http.Dispose();
        (Alerts.Behind as IDisposable)?.Dispose();
        Poison.Dispose();
        _database.Dispose();
        _folder.Dispose();
    }

    private EmbeddedQueue Queue(string name) => new(_folder.Path, name, Time, new DependencyStatus(name));

    private INotificationChannel Create(ChannelSettings settings)
    {
        INotificationChannel channel = Make(settings)
            ?? (settings.Type == ChannelType.Smtp ? new SmtpChannel(settings, Time, OnMailClient) : new ChannelFactory(_http, Time).Create(settings));
        _open.Add(channel);
        return channel;
    }

    /// <summary>What one process has of the notifier.</summary>
    internal sealed class Process
    {
        private readonly AlertIntake _intake;

        public Process(NotifierHarness harness, IDeliveryStore store, INotificationDestinationStore destinations, IMessageQueue alerts)
        {
            var queues = new Queues(alerts, alerts, alerts, harness.Poison);
            Marker = new OpenDeliveriesMarker(queues, harness.Time, isUsed: harness.HasAutoscaler);
            _intake = new AlertIntake(queues, store, destinations, Marker, harness.Settings, harness.Telemetry, harness.Time, NullLogger<AlertIntake>.Instance);
            var links = new LinkMaker(harness.Settings.Notify.LinkTemplate);
            Senders =
            [
                .. harness.Settings.Notify.Channels.Select(channel => new ChannelSender(
                    channel, harness.Create(channel), store, destinations, links, harness.Telemetry, harness.Time, NullLogger.Instance)),
            ];
        }

        public IReadOnlyList<ChannelSender> Senders { get; }

        public OpenDeliveriesMarker Marker { get; }

        public async Task TakeAllAsync()
        {
            while (await _intake.TakeAsync(default) > 0)
            {
            }
        }

        /// <summary>Sends what is due, and returns how long each channel has nothing to do.</summary>
        public async Task<Dictionary<string, TimeSpan>> DrainAsync()
        {
            var waits = new Dictionary<string, TimeSpan>();
            foreach (ChannelSender sender in Senders)
            {
                waits[sender.Name] = await sender.DrainAsync(default);
            }

            return waits;
        }
    }
}
