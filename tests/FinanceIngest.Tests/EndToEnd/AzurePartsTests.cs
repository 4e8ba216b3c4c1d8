using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Dapper;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>
/// Runs the parts as in Azure: an intake, Azure's queues (Azurite), two workers and SQL Server. 100,000 transactions are submitted in batches, a tenth of the
/// batches twice, and a reader follows the results feed while the workers score.
/// </summary>
[Needs(Outside.Program, Outside.Azurite, Outside.SqlServer)]
public sealed class AzurePartsTests(AzuriteFixture azurite)
{
    private const int Batches = 100;
    private const int BatchSize = 1_000;
    private const int Users = 50;
    private const string SigningKey = "a signing key of the tests, long enough";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_id_is_one_row_each_anomaly_one_alert_and_a_cursor_misses_nothing()
    {
        await using var database = new EmptySqlServerDatabase();
        await database.InitializeAsync();
        string queues = await azurite.ConnectionStringAsync();
        using var folder = new TemporaryFolder();
        string alerts = $"alerts-{Guid.NewGuid():N}";
        (string, string)[] environment =
        [
            ("SQL_CONNECTION_STRING", database.ConnectionString), ("AZURE_STORAGE_CONNECTION_STRING", queues), ("FinanceIngest__IdSigningKey", SigningKey),
            ("FinanceIngest__InboundQueue", $"inbound-{Guid.NewGuid():N}"), ("FinanceIngest__AlertQueue", alerts),
        ];
        await using (ProgramProcess migrate = ProgramProcess.Start("finance-ingest", ["migrate"], folder.Path, environment))
        {
            Assert.Equal(0, (await migrate.EndAsync()).ExitCode);
        }

        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", folder.Path, [.. environment, ("FinanceIngest__Roles", "intake")]);
        await using ProgramProcess first = ProgramProcess.StartServer("ScoringWorker", folder.Path, environment);
        await using ProgramProcess second = ProgramProcess.StartServer("ScoringWorker", folder.Path, environment);
        using var client = new HttpClient { BaseAddress = await server.AddressAsync(), Timeout = TimeSpan.FromMinutes(2) };
        await PutBaselinesAsync(client);

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<List<string>> reading = FollowAsync(client, Batches * BatchSize, enough.Token);
        var accepted = new HashSet<string>();
        for (int batch = 0; batch < Batches; batch++)
        {
            accepted.UnionWith(await SubmitAsync(client, batch));
            if (batch % 10 == 9)
            {
                accepted.UnionWith(await SubmitAsync(client, batch));
            }
        }

        Assert.Equal(Batches * BatchSize, accepted.Count);
        List<string> seen = await reading;
        Assert.Equal(accepted.Order(), seen.Order());

        await using SqlConnection connection = await database.ConnectAsync();
        const int anomalies = Batches * BatchSize / 100;
        const string sent = "SELECT COUNT(*) FROM alert_outbox WHERE sent_at IS NOT NULL";
        await Eventually.TrueAsync(async () => await connection.ExecuteScalarAsync<int>(sent) == anomalies, Token);
        Assert.Equal(Batches * BatchSize, await connection.ExecuteScalarAsync<int>("SELECT COUNT(DISTINCT transaction_id) FROM anomaly_transactions"));
        Assert.Equal(anomalies, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM anomaly_transactions WHERE is_anomaly = 1"));
        const string notScored =
            """
            SELECT (SELECT COUNT(*) FROM poison_messages)
                 + (SELECT COUNT(*) FROM anomaly_transactions WHERE status <> 'scored')
            """;
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>(notScored));
        Assert.Equal(anomalies, await CountAlertsAsync(queues, alerts));
        Assert.All(await Task.WhenAll(server.TerminateAsync(), first.TerminateAsync(), second.TerminateAsync()), exitCode => Assert.Equal(0, exitCode));
    }

    private static async Task PutBaselinesAsync(HttpClient client)
    {
        string baselines = string.Join(
            ',', Enumerable.Range(1, Users).Select(user => $$"""{"user_id": {{user}}, "category_id": 1, "mean": 2000, "std_dev": 500, "sample_count": 40}"""));
        HttpResponseMessage response = await client.PutAsync("/api/stats", Json($"[{baselines}]"), Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static async Task<IEnumerable<string>> SubmitAsync(HttpClient client, int batch)
    {
        // One transaction in a hundred is 8 standard deviations above the mean.
        string items = string.Join(',', Enumerable.Range(0, BatchSize).Select(i =>
        {
            int amount = i % 100 == 0 ? 6000 : 2000 + (i % 100);
            return string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"user_id": {{(i % Users) + 1}}, "category_id": 1, "amount": {{amount}}, "idempotency_key": "{{batch}}-{{i}}"}""");
        }));
        HttpResponseMessage response = await client.PostAsync("/api/transactions/batch", Json($"[{items}]"), Token);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStreamAsync(Token));
        Assert.Equal(0, answer.RootElement.GetProperty("rejected").GetArrayLength());
        return [.. answer.RootElement.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];
    }

    // Returns ids in the order of the feed. The reader sees no row twice, because a row moves in the feed only when its status changes.
    private static async Task<List<string>> FollowAsync(HttpClient client, int expected, CancellationToken cancellationToken)
    {
        var seen = new List<string>();
        string cursor = "";
        await Eventually.TrueAsync(
            async () =>
            {
                int before = seen.Count;
                string path = $"/api/results?limit=1000{Feed.After(cursor)}";
                using JsonDocument page = JsonDocument.Parse(await client.GetStreamAsync(path, cancellationToken));
                cursor = page.RootElement.GetProperty("next").GetString()!;
                seen.AddRange(page.RootElement.GetProperty("results").EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
                return seen.Count >= expected && seen.Count == before;
            },
            cancellationToken,
            TimeSpan.FromMinutes(5));
        return seen;
    }

    private static async Task<int> CountAlertsAsync(string connectionString, string name)
    {
        var queue = new AzureMessageQueue(
            new Azure.Storage.Queues.QueueClient(connectionString, name, new() { MessageEncoding = Azure.Storage.Queues.QueueMessageEncoding.None }),
            new DependencyStatus("alerts"));
        var ids = new List<string>();
        while (await queue.ReceiveAsync(32, TimeSpan.FromMinutes(5), Token) is { Count: > 0 } messages)
        {
            IEnumerable<JsonElement> alerts = messages.Select(message => JsonDocument.Parse(Convert.FromBase64String(message.Text)).RootElement);
            ids.AddRange(alerts.Select(alert => alert.GetProperty("alert_id").GetString()!));
        }

        Assert.Equal(ids.Count, ids.Distinct().Count());
        return ids.Count;
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
