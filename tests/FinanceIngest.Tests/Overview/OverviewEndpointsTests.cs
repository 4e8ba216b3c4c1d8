using System.Text.Json;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.Overview;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Security;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Overview;

/// <summary>GET /api/status shows what an operator has to see, whatever is down, and wakes no database that sleeps.</summary>
public sealed class OverviewEndpointsTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private readonly ListLogger<Api> _log = new();
    private ServiceProvider? _services;
    private List<FaultingQueue> _queues = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stopped_workers_show_in_the_age_of_the_last_batch_beside_transactions_that_wait()
    {
        Start();
        var seen = new ProcessSeen(Get<ThisProcess>(), _time.GetUtcNow().UtcDateTime, 7, 900);
        await Get<IScoringStore>().WriteAsync(Sample.Batch(Sample.Anomaly(), Sample.Scored()) with { Process = seen }, Token);
        _time.Advance(TimeSpan.FromMinutes(10));
        await Get<Queues>().Inbound.SendAsync("""[{"user_id": 1}, {"user_id": 2}, {"user_id": 3}]""", TimeSpan.Zero, Token);
        _time.Advance(TimeSpan.FromSeconds(30));

        JsonElement status = await StatusAsync();

        Assert.Equal("""{"length":1,"transactions":3,"transactions_estimated":false,"oldest_seconds":30}""", status.GetProperty("inbound").GetRawText());
        JsonElement batch = status.GetProperty("last_batch");
        Assert.Equal((630.0, 2), (batch.GetProperty("age_seconds").GetDouble(), batch.GetProperty("transactions").GetInt32()));
        JsonElement process = Assert.Single(status.GetProperty("processes").EnumerateArray());
        Assert.Equal((7, 900), (process.GetProperty("batches").GetInt32(), process.GetProperty("transactions").GetInt32()));
        Assert.Equal((1, 0), (status.GetProperty("unsent_alerts").GetInt32(), status.GetProperty("poison").GetInt32()));
        Assert.Equal("2026-01-31T12:10:30.000000Z", status.GetProperty("as_of").GetString());
        Assert.False(status.TryGetProperty("keys", out _));
    }

    [Fact]
    public async Task What_is_down_is_null_and_the_last_known_figures_keep_their_time()
    {
        var store = new SleepyStore(_time);
        Start(store);
        store.IsAwake = true;
        Assert.Equal(5, (await StatusAsync()).GetProperty("unsent_alerts").GetInt32());
        string asOf = (await StatusAsync()).GetProperty("as_of").GetString()!;
        store.Failure = new StoreUnavailableException(new IOException("the database is down"));
        _queues.ForEach(queue => queue.IsDown = true);

        _time.Advance(TimeSpan.FromMinutes(1));
        JsonElement status = await StatusAsync("?fresh=true", "admin secret");

        Assert.Equal((asOf, 5), (status.GetProperty("as_of").GetString(), status.GetProperty("unsent_alerts").GetInt32()));
        Assert.All(["inbound", "poison", "alerts"], name => Assert.Equal(JsonValueKind.Null, status.GetProperty(name).ValueKind));
        string problems = status.GetProperty("problems").GetRawText();
        Assert.Contains("the database is down", problems, StringComparison.Ordinal);
        Assert.Contains("anomaly-alerts", problems, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sleeping_database_is_asked_beside_other_work_only()
    {
        var store = new SleepyStore(_time);
        Start(store);

        JsonElement unknown = await StatusAsync();
        Assert.Equal(0, store.Reads);
        Assert.All(["as_of", "unsent_alerts", "last_batch", "processes"], name => Assert.Equal(JsonValueKind.Null, unknown.GetProperty(name).ValueKind));

        Assert.Equal(5, (await StatusAsync("?fresh=true")).GetProperty("unsent_alerts").GetInt32());
        Assert.Equal(1, store.Reads);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("2026-01-31T12:00:00.000000Z", (await StatusAsync()).GetProperty("as_of").GetString());
        Assert.Equal(1, store.Reads);

        await Get<Queues>().Inbound.SendAsync("{}", TimeSpan.Zero, Token);
        _time.Advance(TimeSpan.FromSeconds(2));
        await StatusAsync();
        await StatusAsync();
        Assert.Equal(2, store.Reads);
    }

    [Fact]
    public async Task The_last_use_of_every_key_is_shown_to_administrators()
    {
        Start();
        await StatusAsync(key: "reader secret");
        _time.Advance(TimeSpan.FromSeconds(5));

        JsonElement[] keys = [.. (await StatusAsync(key: "admin secret")).GetProperty("keys").EnumerateArray()];

        Assert.Equal(["reader", "unused", "admin"], keys.Select(key => key.GetProperty("name").GetString()));
        Assert.Equal(
            ["2026-01-31T12:00:00.000000Z", null, "2026-01-31T12:00:05.000000Z"], keys.Select(key => key.GetProperty("last_used_at").GetString()));
    }

    [Fact]
    public async Task A_refused_key_is_logged_once_a_minute_without_what_was_sent()
    {
        Start();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(401, (await AskAsync("", "a wrong secret")).Status);
        }

        Assert.Equal(401, (await AskAsync("", null)).Status);
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(401, (await AskAsync("", "a wrong secret")).Status);

        string[] lines = [.. _log.AboveDebug.Where(line => line.Contains("was refused", StringComparison.Ordinal))];
        Assert.Equal(3, lines.Length);
        Assert.Contains("GET /api/status from 192.0.2.7 was refused (unknown); 1 such", lines[0], StringComparison.Ordinal);
        Assert.Contains("(missing); 1 such", lines[1], StringComparison.Ordinal);
        Assert.Contains("(unknown); 50 such", lines[2], StringComparison.Ordinal);
        Assert.DoesNotContain(_log.AboveDebug, line => line.Contains("a wrong secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Fresh_is_true_or_false()
    {
        Start();

        Assert.Equal(400, (await AskAsync("?fresh=1", "reader secret")).Status);
    }

    public async ValueTask DisposeAsync()
    {
        if (_services is not null)
        {
            await _services.DisposeAsync();
        }

        _folder.Dispose();
    }

    private void Start(IOverviewStore? store = null)
    {
        var settings = new Settings
        {
            DataDirectory = _folder.Path,
            IdSigningKey = "a signing key",
            Roles = Roles.Intake,
            ApiKeys =
            [
                new ApiKeySetting("reader", "reader secret", Scopes.Read), new ApiKeySetting("unused", "unused secret", Scopes.Submit),
                new ApiKeySetting("admin", "admin secret", Scopes.All),
            ],
        };
        IServiceCollection services = new ServiceCollection().AddSingleton<TimeProvider>(_time)
            .AddLogging(logging => logging.ClearProviders())
            .AddFinanceIngest(settings).AddIntake(settings).AddOverview();
        services.AddSingleton<ILoggerFactory>(new OneLogger(_log));
        if (store is not null)
        {
            services.AddSingleton(store);
        }

        _queues = [.. new[] { "transactions-inbound", "transactions-inbound-poison", "anomaly-alerts" }.Select(
            name => new FaultingQueue(new EmbeddedQueue(_folder.Path, name, _time, new DependencyStatus(name))))];
        services.AddSingleton(new Queues(_queues[0], _queues[1], _queues[2]));

        _services = services.BuildServiceProvider();
    }

    private T Get<T>()
        where T : notnull => _services!.GetRequiredService<T>();

    private async Task<JsonElement> StatusAsync(string query = "", string key = "reader secret")
    {
        ApiResponse answer = await AskAsync(query, key);
        Assert.Equal(200, answer.Status);
        string json = System.Text.Encoding.UTF8.GetString(answer.Body.Span);
        var schema = new System.Text.Json.Nodes.JsonObject { ["$ref"] = "#/components/schemas/InstallationStatus" };
        Assert.Empty(ApiDescription.Instance.Validate(schema, json));
        return JsonDocument.Parse(json).RootElement;
    }

    private async Task<ApiResponse> AskAsync(string query, string? key)
    {
        using var request = new StatusRequest(query, key);
        return await Get<Api>().HandleAsync(request, Token);
    }

    private sealed class StatusRequest(string query, string? key) : ApiRequest
    {
        public override string Method => "GET";

        public override string Path => "/api/status";

        public override long? ContentLength => null;

        public override Stream Body => Stream.Null;

        public override System.Net.IPAddress? RemoteAddress => System.Net.IPAddress.Parse("192.0.2.7");

        public override string? Header(string name) => name == "x-functions-key" ? key : null;

        public override string QueryText => query;
    }

    /// <summary>A database that other work has not woken.</summary>
    private sealed class SleepyStore(TimeProvider time) : IOverviewStore
    {
        public bool IsAwake { get; set; }

        public int Reads { get; private set; }

        public Exception? Failure { get; set; }

        public Task<DatabaseFigures> ReadAsync(CancellationToken cancellationToken)
        {
            Reads++;
            return Failure is { } failure
                ? Task.FromException<DatabaseFigures>(failure)
                : Task.FromResult(new DatabaseFigures(time.GetUtcNow().UtcDateTime, 5, null, []));
        }
    }
}
