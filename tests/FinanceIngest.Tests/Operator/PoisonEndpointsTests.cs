using System.Text;
using System.Text.Json;
using Azure;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.Operator;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Operator;

/// <summary>Poison messages over HTTP: listed in pages, shown, put back, dropped, and refused where the process may not.</summary>
public sealed class PoisonEndpointsTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services;

    public PoisonEndpointsTests()
    {
        var settings = new Settings { DataDirectory = _folder.Path, IdSigningKey = "a signing key", Roles = Roles.Intake };
        _services = new ServiceCollection().AddLogging(logging => logging.ClearProviders())
            .AddFinanceIngest(settings).AddIntake(settings).AddCaseViews().BuildServiceProvider();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_are_listed_in_pages_and_shown_with_their_text()
    {
        await LeaveAsync("a", "b", "c");

        JsonElement first = await AskAsync("GET", "/api/poison", "PoisonPage", query: "?limit=2");
        JsonElement second = await AskAsync("GET", "/api/poison", "PoisonPage", query: $"?limit=2&after={first.GetProperty("next").GetString()}");

        Assert.Equal(["a", "b"], Ids(first));
        Assert.Equal(["c"], Ids(second));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next").ValueKind);
        JsonElement shown = await AskAsync("GET", "/api/poison/b", "PoisonMessage");
        PoisonMessage left = Message("b", 1);
        Assert.Equal((left.Body, left.Exception), (shown.GetProperty("body").GetString(), shown.GetProperty("exception").GetString()));
    }

    [Fact]
    public async Task What_can_be_read_is_put_back_and_what_still_cannot_stays_with_its_reason()
    {
        string sound = Convert.ToBase64String("""{"user_id": 1, "category_id": 2, "amount": 3}"""u8);
        await LeaveAsync([Message("sound", 0) with { Body = sound }, Message("broken", 1)]);

        JsonElement outcome = await AskAsync("POST", "/api/poison/redrive", "PoisonOutcome", body: """{"message_ids": ["sound", "broken", "gone"]}""");

        Assert.Equal("""["sound"]""", outcome.GetProperty("done").GetRawText());
        Assert.Equal("""["gone"]""", outcome.GetProperty("unknown").GetRawText());
        JsonElement unfinished = Assert.Single(outcome.GetProperty("unfinished").EnumerateArray());
        Assert.Equal("broken", unfinished.GetProperty("message_id").GetString());
        Assert.StartsWith("it still can't be read", unfinished.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, (await _services.GetRequiredService<Queues>().Inbound.GetDepthAsync(Token)).Length);
        Assert.Equal(["broken"], Ids(await AskAsync("GET", "/api/poison", "PoisonPage")));
    }

    [Fact]
    public async Task What_is_dropped_is_gone_from_records_and_queue()
    {
        await LeaveAsync("a", "b");

        JsonElement outcome = await AskAsync("POST", "/api/poison/drop", "PoisonOutcome", body: """{"message_ids": ["a"]}""");

        Assert.Equal("""{"done":["a"],"unknown":[],"unfinished":[]}""", outcome.GetRawText());
        Assert.Equal(["b"], Ids(await AskAsync("GET", "/api/poison", "PoisonPage")));
        Assert.Equal(1, (await _services.GetRequiredService<Queues>().Poison.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task A_process_without_the_right_says_so_and_an_outage_is_something_else()
    {
        var refusing = new RefusingStore(new StoreUnavailableException(new RequestFailedException(403, "AuthorizationFailure")));
        Problem problem = (await Assert.ThrowsAsync<ProblemException>(() => ListAsync(refusing))).Problem;
        Assert.Equal((403, "rights"), (problem.Status, problem.Kind));

        var failing = new RefusingStore(new StoreUnavailableException(new IOException("the disk is gone")));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => ListAsync(failing));
    }

    [Fact]
    public void Refused_rights_are_told_from_other_failures()
    {
        Assert.True(RefusedRights.IsOne(new QueueUnavailableException("queue", new RequestFailedException(403, "no"))));
        Assert.False(RefusedRights.IsOne(new QueueUnavailableException("queue", new RequestFailedException(404, "no"))));
        Assert.False(RefusedRights.IsOne(new TimeoutException()));
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    private Task<ApiResponse> ListAsync(IPoisonStore store)
    {
        var endpoints = new PoisonEndpoints(store, ActivatorUtilities.CreateInstance<PoisonOperations>(_services, store));
        Route route = endpoints.Routes.First();
        return route.Handle(new PoisonRequest("GET", "/api/poison", "", ""), default, Token);
    }

    private Task LeaveAsync(params string[] ids) => LeaveAsync([.. ids.Select(Message)]);

    private async Task LeaveAsync(PoisonMessage[] messages)
    {
        await _services.GetRequiredService<IScoringStore>().WriteAsync(new ScoredBatch([], [], messages), Token);
        await _services.GetRequiredService<Queues>().Poison.EnsureExistsAsync(Token);
        foreach (PoisonMessage message in messages)
        {
            await _services.GetRequiredService<Queues>().Poison.SendAsync(message.Body, TimeSpan.Zero, Token);
        }
    }

    private static PoisonMessage Message(string id, int minute) => Sample.Poison(id) with { Body = $"{{broken {id}",
        FailedAt = Sample.Noon.AddMinutes(minute) };

    private static string[] Ids(JsonElement page) => [.. page.GetProperty("messages").EnumerateArray().Select(message =>
        message.GetProperty("message_id").GetString()!)];

    private async Task<JsonElement> AskAsync(string method, string path, string schema, string query = "", string body = "")
    {
        using var request = new PoisonRequest(method, path, query, body);
        ApiResponse answer = await _services.GetRequiredService<Api>().HandleAsync(request, Token);
        string json = Encoding.UTF8.GetString(answer.Body.Span);
        Assert.True(answer.Status == 200, json);
        Assert.Empty(ApiDescription.Instance.Validate(new System.Text.Json.Nodes.JsonObject { ["$ref"] = $"#/components/schemas/{schema}" }, json));
        return JsonElement.Parse(json);
    }

    private sealed class PoisonRequest(string method, string path, string query, string body) : ApiRequest
    {
        private readonly MemoryStream _body = new(Encoding.UTF8.GetBytes(body));

        public override string Method => method;

        public override string Path => path;

        public override long? ContentLength => _body.Length;

        public override Stream Body => _body;

        public override string? Header(string name) => name == "Content-Type" ? "application/json" : null;

        public override string QueryText => query;
    }

    private sealed class RefusingStore(Exception failure) : IPoisonStore
    {
        public Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken) => Task.FromException<int>(failure);

        public Task<IReadOnlyList<PoisonSummary>> ListPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) =>
            Task.FromException<IReadOnlyList<PoisonSummary>>(failure);

        public Task<IReadOnlyList<PoisonMessage>> ReadPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) =>
            Task.FromException<IReadOnlyList<PoisonMessage>>(failure);

        public Task<PoisonMessage?> FindAsync(string messageId, CancellationToken cancellationToken) => Task.FromException<PoisonMessage?>(failure);

        public Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken) => Task.FromException<bool>(failure);

        public Task<bool> ReplaceBodyAsync(string messageId, IReadOnlyList<string> bodies, CancellationToken cancellationToken) =>
            Task.FromException<bool>(failure);
    }
}
