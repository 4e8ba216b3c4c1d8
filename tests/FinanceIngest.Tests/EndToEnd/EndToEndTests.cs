using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>Transactions are submitted over HTTP, scored, read back and alerted, in every arrangement of processes and queues.</summary>
public abstract class EndToEndTests : IAsyncLifetime
{
    private protected TemporaryFolder Folder { get; } = new();

    private protected HttpClient Client { get; private set; } = null!;

    /// <summary>Starts the programs and returns the intake's address.</summary>
    protected abstract Task<Uri> StartAsync();

    /// <summary>Stops the programs.</summary>
    protected abstract Task StopAsync();

    /// <summary>Opens the alert queue from the test's process.</summary>
    protected abstract IMessageQueue OpenAlerts();

    public async ValueTask InitializeAsync()
    {
        await AddBaselinesAsync(Folder.Path, [new(new(399, 2310), new Baseline(2000, 500, 40))]);
        Client = new HttpClient { BaseAddress = await StartAsync() };
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        await StopAsync();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_older_systems_request_gets_the_older_systems_answer()
    {
        JsonElement normal = await ScoreAsync("""{"user_id": 399, "category_id": 2310, "amount": 2500}""");
        Assert.Equal(1.0, normal.GetProperty("z_score").GetDouble());
        Assert.False(normal.GetProperty("is_anomaly").GetBoolean());

        JsonElement anomaly = await ScoreAsync("""{"user_id": 399, "category_id": 2310, "amount": 6000}""");
        Assert.Equal(399, anomaly.GetProperty("user_id").GetInt64());
        Assert.Equal(2310, anomaly.GetProperty("category_id").GetInt64());
        Assert.Equal("6000.0", anomaly.GetProperty("amount").GetRawText());
        Assert.Equal("8.0", anomaly.GetProperty("z_score").GetRawText());
        Assert.True(anomaly.GetProperty("is_anomaly").GetBoolean());

        JsonElement alert = Assert.Single(await ReceiveAlertsAsync(1));
        Assert.Equal(anomaly.GetProperty("id").GetGuid(), alert.GetProperty("transaction_id").GetGuid());
    }

    [Fact]
    public async Task A_batch_is_accepted_polled_and_found_in_the_feed_and_the_history()
    {
        object[] items = [.. Enumerable.Range(0, 500).Select(i => new { user_id = 399, category_id = 2310, amount = i % 100 == 0 ? 6000 : 2500 })];
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/transactions/batch") { Content = JsonContent.Create(items) };
        request.Headers.Add("Idempotency-Key", "a batch");
        HttpResponseMessage accepted = await Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        JsonElement answer = await accepted.Content.ReadFromJsonAsync<JsonElement>();
        string[] ids = [.. answer.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];
        Assert.Equal(500, ids.Distinct().Count());

        JsonElement last = await Client.GetFromJsonAsync<JsonElement>($"/api/transactions/{ids[^1]}?wait=30");
        Assert.Equal("scored", last.GetProperty("status").GetString());

        var seen = new List<string>();
        string cursor = "";
        while (seen.Count < 500)
        {
            JsonElement page = await Client.GetFromJsonAsync<JsonElement>($"/api/results?limit=77{Feed.After(cursor)}");
            seen.AddRange(page.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next").GetString()!;
        }

        Assert.Equal(ids.Order(), seen.Order());
        JsonElement anomalies = await Client.GetFromJsonAsync<JsonElement>("/api/anomalies?user_id=399&limit=1000");
        Assert.Equal(5, anomalies.GetProperty("anomalies").GetArrayLength());
        Assert.Equal(5, (await ReceiveAlertsAsync(5)).Count);
    }

    [Fact]
    public async Task Many_single_requests_at_once_each_get_their_own_result()
    {
        JsonElement[] results = await Task.WhenAll(Enumerable.Range(1, 200).Select(i =>
            ScoreAsync(JsonSerializer.Serialize(new { user_id = 399, category_id = 2310, amount = 2000 + i }))));

        Assert.Equal(Enumerable.Range(1, 200).Select(i => i / 500.0), results.Select(result => result.GetProperty("z_score").GetDouble()));
        Assert.Equal(200, results.Select(result => result.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task A_terminated_intake_answers_the_requests_that_wait()
    {
        // No transaction has this issued id, so the request waits. A stopping server answers it with "pending" at once: a request held for its full 30 s would
        // be cut off by the stop's limit of 25 s.
        string signingKey = (await File.ReadAllTextAsync(Path.Combine(Folder.Path, "id-signing.key"))).Trim();
        Guid id = new IdCertifier(signingKey, TimeProvider.System).NewId();
        Task<HttpResponseMessage> waiting = Client.GetAsync($"/api/transactions/{id}?wait=30");
        await Client.GetAsync("/healthz");
        await StopAsync();

        JsonElement answer = await (await waiting).Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("pending", answer.GetProperty("status").GetString());
    }

    internal static async Task AddBaselinesAsync(string folder, IReadOnlyList<BaselineRow> rows)
    {
        using var database = new SqliteDatabase(folder, TimeProvider.System, new DependencyStatus("database"));
        await new SqliteBaselineStore(database, TimeProvider.System).UpsertAsync(rows, default);
    }

    private protected async Task<JsonElement> ScoreAsync(string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/score-transaction")
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Prefer", "wait=30");
        HttpResponseMessage response = await Client.SendAsync(request);
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        return JsonDocument.Parse(body).RootElement;
    }

    /// <summary>Receives alerts until there are <paramref name="count"/>, then once more to assert that there are no others.</summary>
    private protected async Task<List<JsonElement>> ReceiveAlertsAsync(int count)
    {
        IMessageQueue queue = OpenAlerts();
        using var opened = queue as IDisposable;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var alerts = new List<JsonElement>();
        while (alerts.Count < count && await poll.WaitForNextTickAsync(patience.Token))
        {
            await ReceiveAsync();
        }

        await ReceiveAsync();
        Assert.Equal(count, alerts.Count);
        return alerts;

        async Task ReceiveAsync() => alerts.AddRange((await queue.ReceiveAsync(32, TimeSpan.FromMinutes(5), patience.Token))
            .Select(message => JsonDocument.Parse(Convert.FromBase64String(message.Text)).RootElement));
    }
}

/// <summary>A single process with every role.</summary>
[Needs(Outside.Program)]
public sealed class OneServerTests : EndToEndTests
{
    private ProgramProcess? _server;

    protected override Task<Uri> StartAsync() => (_server = ProgramProcess.StartServer("IngestServer", Folder.Path)).AddressAsync();

    protected override async Task StopAsync() => Assert.Equal(0, await _server!.TerminateAsync());

    protected override IMessageQueue OpenAlerts() => new EmbeddedQueue(Folder.Path, "anomaly-alerts", TimeProvider.System, new DependencyStatus("alerts"));
}

/// <summary>An intake and a separate worker share a data directory.</summary>
[Needs(Outside.Program)]
public sealed class IntakeAndWorkerTests : EndToEndTests
{
    private ProgramProcess? _server;
    private ProgramProcess? _worker;

    protected override async Task<Uri> StartAsync()
    {
        _server = ProgramProcess.StartServer("IngestServer", Folder.Path, ("FinanceIngest__Roles", "intake"));
        _worker = ProgramProcess.StartServer("ScoringWorker", Folder.Path);
        await _worker.AddressAsync();
        return await _server.AddressAsync();
    }

    protected override async Task StopAsync()
    {
        // Both processes are stopped, even when the first one's exit code is wrong.
        Assert.All(await Task.WhenAll(_server!.TerminateAsync(), _worker!.TerminateAsync()), exitCode => Assert.Equal(0, exitCode));
    }

    protected override IMessageQueue OpenAlerts() => new EmbeddedQueue(Folder.Path, "anomaly-alerts", TimeProvider.System, new DependencyStatus("alerts"));
}
