using System.Globalization;
using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http;

/// <summary><c>POST /api/score-transaction</c>, called as the older system's clients call it: by code that was never changed.</summary>
public abstract class OlderRouteTests(HeadFixture head)
{
    private const string Route = "/api/score-transaction";
    private readonly long _user = Requests.NewId();

    // requests.post(f"{url}?code={key}", json={"user_id": …, "category_id": …, "amount": float(amount)}).json(), then data.get("is_anomaly") and "z_score".
    [Theory]
    [InlineData("6000.0", "6000.0", "8.0", "true")]
    [InlineData("2500", "2500.0", "1.0", "false")]
    [InlineData("2000.0000000000002", "2000.0", "0.0", "false")]
    public async Task The_unchanged_client_gets_the_result(string amount, string shown, string z, string isAnomaly)
    {
        await head.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user)));
        ApiClient older = head.Client.WithKey(null);
        Answer answer = (await older.PostAsync($"{Route}?code={Uri.EscapeDataString(head.Client.Key!)}", Requests.Transaction(_user, amount))).Is(200);
        Assert.Equal((shown, z, isAnomaly), (answer.Raw("amount"), answer.Raw("z_score"), answer.Raw("is_anomaly")));
        Assert.Equal(_user.ToString(CultureInfo.InvariantCulture), answer.Raw("user_id"));
        Assert.Null(answer.Header("Preference-Applied"));
        Assert.Equal(answer.TextBeforeSending, (await head.Client.GetAsync($"/api/transactions/{answer.Id}")).Is(200).TextBeforeSending);
    }

    [Fact]
    public async Task What_older_clients_index_is_there_without_a_baseline_too()
    {
        Answer answer = (await head.Client.PostAsync(Route, Requests.Transaction(_user))).Is(200);
        Assert.Equal(("null", "null", "false"), (answer.Raw("z_score"), answer.Raw("baseline"), answer.Raw("is_anomaly")));
    }

    // The result object is the same in every route that returns it.
    [Fact]
    public async Task A_scored_result_has_z_score_and_baseline_in_every_route()
    {
        string start = await Feed.EndAsync(head.Client);
        Answer scored = (await head.Client.PostAsync(Route, Requests.Transaction(_user))).Is(200);
        Answer bulk = (await head.Client.PostAsync("/api/transactions/status", $$"""{"ids": ["{{scored.Id}}"]}""")).Is(200);
        JsonElement[] results =
        [
            scored.Json,
            (await head.Client.GetAsync($"/api/transactions/{scored.Id}")).Is(200).Json,
            (await head.Client.GetAsync($"/api/transactions/{scored.Id}?wait=1")).Is(200).Json,
            bulk.Json.GetProperty("results")[0],
            (await Feed.ReadAsync(head.Client, start)).Results.Single(result => result.GetProperty("id").GetString() == scored.Id),
        ];
        Assert.All(results, result => Assert.Equal(
            (JsonValueKind.Null, JsonValueKind.Null), (result.GetProperty("z_score").ValueKind, result.GetProperty("baseline").ValueKind)));
    }

    [Theory]
    [InlineData("0.30000000000000004", "0.3")]
    [InlineData("1.00005", "1.0")]
    [InlineData("1.00015", "1.0002")]
    [InlineData("-62.099999999999994", "-62.1")]
    [InlineData("1e-7", "0.0")]
    [InlineData("62.10", "62.1")]
    public async Task The_noise_of_a_float_is_rounded_half_to_even(string amount, string shown)
    {
        Assert.Equal(shown, (await head.Client.PostAsync(Route, Requests.Transaction(_user, amount))).Is(200).Raw("amount"));
        if (amount.Length > 6)
        {
            (await head.Client.SubmitAsync(Requests.Transaction(_user, amount))).IsInvalid("amount", "must have at most four decimals");
            (await head.Client.PostAsync(Route, Requests.Transaction(_user, $"\"{amount}\""))).IsInvalid("amount", "must have at most four decimals");
            (await head.Client.PostAsync("/api/transactions/batch", Requests.List(Requests.Transaction(_user, amount)))).IsProblem(400, "validation");
        }
    }

    [Theory]
    [InlineData("922337203685477.58075", "must be from -922337203685477.5807 to 922337203685477.5807")]
    [InlineData("1e300", "must be from -922337203685477.5807 to 922337203685477.5807")]
    [InlineData("true", "must be a number, or a number in a string")]
    public async Task What_is_no_amount_stays_refused(string amount, string message) =>
        (await head.Client.PostAsync(Route, Requests.Transaction(_user, amount))).IsInvalid("amount", message);

    [Fact]
    public async Task A_repeat_with_other_noise_is_the_same_transaction()
    {
        string key = $"\"idempotency_key\": \"{Requests.NewKey()}\"";
        Answer first = (await head.Client.PostAsync(Route, Requests.Transaction(_user, "0.30000000000000004", key))).Is(200);
        Assert.Equal(first.Text, (await head.Client.PostAsync(Route, Requests.Transaction(_user, "0.3", key))).Is(200).Text);
    }

    [Fact]
    public async Task A_client_that_says_how_long_it_waits_is_obeyed()
    {
        Assert.Equal("wait=10", (await head.Client.PostAsync(Route, Requests.Transaction(_user), ("Prefer", "wait=10"))).Is(200).Header("Preference-Applied"));
        (await head.Client.PostAsync($"{Route}?wait=10", Requests.Transaction(_user))).Is(200);
        Answer answer = (await head.Client.PostAsync(Route, Requests.Transaction(_user), ("Prefer", "respond-async"))).Is(202);
        Assert.Equal(answer.String("status_url"), answer.Header("Location"));
        (await head.Client.PostAsync(Route, Requests.Transaction(_user), ("Prefer", "wait=0"))).Is(202);
        (await head.Client.PostAsync($"{Route}?wait=0", Requests.Transaction(_user))).Is(202);
        (await head.Client.PostAsync(Route, Requests.Transaction(_user), ("Prefer", "wait=ten"))).IsProblem(400, "validation");
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerOlderRouteTests(ServerHead head) : OlderRouteTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionOlderRouteTests(FunctionHead head) : OlderRouteTests(head);

/// <summary>The older route of a server that has no scorer, so that nothing is scored unless the test says so.</summary>
[Needs(Outside.Program)]
public sealed class OlderRouteWithoutScorerTests
{
    private const string Route = "/api/score-transaction";

    [Fact]
    public async Task The_202_comes_only_when_the_configured_time_has_passed()
    {
        await using Server server = await Server.StartAsync("1");
        Answer answer = (await server.Client.PostAsync(Route, Requests.Transaction())).Is(202);
        Assert.Equal("pending", answer.String("status"));
        Assert.NotNull(answer.Header("Retry-After"));
    }

    [Fact]
    public async Task Zero_seconds_make_it_answer_as_the_new_route_does()
    {
        await using Server server = await Server.StartAsync("0");
        (await server.Client.PostAsync(Route, Requests.Transaction())).Is(202);
    }

    [Fact]
    public async Task A_failed_transaction_is_422_with_the_problem_and_a_stated_wait_gives_its_result()
    {
        await using Server server = await Server.StartAsync("200");
        string transaction = Requests.Transaction(Requests.NewId(), more: $"\"idempotency_key\": \"{Requests.NewKey()}\"");
        string id = (await server.Client.PostAsync(Route, transaction, ("Prefer", "respond-async"))).Is(202).Id;
        await server.FailAsync(id, "amount must have at most four decimals");
        Answer answer = (await server.Client.PostAsync(Route, transaction)).IsProblem(422, "transaction");
        Assert.Equal("amount must have at most four decimals", answer.String("detail"));
        Assert.Equal("failed", (await server.Client.PostAsync(Route, transaction, ("Prefer", "wait=5"))).Is(200).String("status"));
        Assert.Equal("failed", (await server.Client.SubmitAsync(transaction, ("Prefer", "wait=5"))).Is(200).String("status"));
    }

    [Fact]
    public async Task A_stop_ends_the_longest_wait_with_the_202()
    {
        await using Server server = await Server.StartAsync("200");
        string transaction = Requests.Transaction(Requests.NewId(), more: $"\"idempotency_key\": \"{Requests.NewKey()}\"");
        Task<Answer> waiting = server.Client.PostAsync(Route, transaction);

        await server.HasAcceptedAsync();
        Assert.Equal(0, await server.StopAsync());
        (await waiting).Is(202);
    }

    private sealed class Server : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private ProgramProcess? _process;

        public ApiClient Client { get; private set; } = null!;

        public static async Task<Server> StartAsync(string waitSeconds)
        {
            var server = new Server();
            server._process = ProgramProcess.StartServer(
                "IngestServer",
                server._folder.Path,
                [.. ServerFixture.Keys, ("FinanceIngest__Roles", "intake"), ("FinanceIngest__OlderRoute__WaitSeconds", waitSeconds)]);
            server.Client = new ApiClient(await server._process.AddressAsync(), ServerFixture.Key);
            return server;
        }

        /// <summary>Writes the row of a transaction that failed, as a worker does.</summary>
        public async Task FailAsync(string id, string error)
        {
            using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
            await new SqliteScoringStore(database, TimeProvider.System).WriteAsync(Sample.Batch(Sample.Failed(Guid.Parse(id)) with { Error = error }), default);
        }

        /// <summary>Waits until a transaction is on the inbound queue.</summary>
        public Task HasAcceptedAsync() => Eventually.TrueAsync(
            async () =>
            {
                using var http = new HttpClient { BaseAddress = Client.Address };
                string status = await http.GetStringAsync(new Uri($"/api/status?code={ServerFixture.Key}", UriKind.Relative));
                return JsonDocument.Parse(status).RootElement.GetProperty("inbound").GetProperty("length").GetInt64() > 0;
            },
            TestContext.Current.CancellationToken);

        public Task<int> StopAsync() => _process!.TerminateAsync();

        public async ValueTask DisposeAsync()
        {
            await _process!.DisposeAsync();
            _folder.Dispose();
        }
    }
}
