using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Tests.Http;

public abstract class StatusTests(HeadFixture head)
{
    private const string Status = "/api/transactions/status";

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("01a204d7-059f-8d5a-a9c0-40695736d4e3")]
    [InlineData("01a204d7-059f-4d5a-a9c0-40695736d4e3")]
    [InlineData("01a204d7059f8d5aa9c040695736d4e3")]
    [InlineData("%7B01a204d7-059f-8d5a-a9c0-40695736d4e3%7D")]
    [InlineData("1")]
    [InlineData("x")]
    [InlineData("%F0%9F%98%80")]
    [InlineData("..%2F..%2Fetc%2Fpasswd")]
    [InlineData("'%20OR%201=1")]
    public async Task An_id_that_was_never_issued_is_404(string id) =>
        (await head.Client.GetAsync($"/api/transactions/{id}?wait=30")).IsProblem(404, "not-found");

    [Fact]
    public async Task An_issued_id_that_was_altered_is_404()
    {
        string id = (await head.Client.SubmitAsync(Requests.Transaction())).Id;
        for (int i = 0; i < id.Length; i++)
        {
            if (id[i] != '-')
            {
                string altered = $"{id[..i]}{(id[i] == '0' ? '1' : '0')}{id[(i + 1)..]}";
                (await head.Client.GetAsync($"/api/transactions/{altered}")).IsProblem(404, "not-found");
            }
        }

        (await head.Client.GetAsync($"/api/transactions/{id}0")).IsProblem(404, "not-found");
        (await head.Client.GetAsync($"/api/transactions/{id}/x")).Is(404);
    }

    [Fact]
    public async Task A_scored_one_is_shown_whatever_the_case_of_its_id()
    {
        Answer scored = await head.Client.ScoreAsync(Requests.Transaction());
        Assert.Equal(scored.Text, (await head.Client.GetAsync($"/api/transactions/{scored.Id}")).Is(200).Text);
        Assert.Equal(scored.Text, (await head.Client.GetAsync($"/api/transactions/{scored.Id.ToUpperInvariant()}")).Is(200).Text);
    }

    [Fact]
    public async Task Many_are_answered_in_the_order_asked()
    {
        Answer one = await head.Client.ScoreAsync(Requests.Transaction());
        Answer two = await head.Client.ScoreAsync(Requests.Transaction());
        string[] asked = [two.Id, "00000000-0000-0000-0000-000000000000", one.Id, "garbage", two.Id, ""];
        Answer answer = (await head.Client.PostAsync(Status, Ids(asked))).Is(200);
        Assert.Equal(asked, answer.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("id").GetString()));
        Assert.Equal(
            ["scored", "unknown", "scored", "unknown", "scored", "unknown"],
            answer.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetString()));
        Assert.Equal(two.Text, answer.Json.GetProperty("results")[0].GetRawText());
        Assert.Equal("""{"id":"garbage","status":"unknown"}""", answer.Json.GetProperty("results")[3].GetRawText());
    }

    [Fact]
    public async Task A_thousand_at_most()
    {
        Assert.Equal(1000, (await head.Client.PostAsync(Status, Ids(Enumerable.Repeat("x", 1000)))).Is(200).Json.GetProperty("results").GetArrayLength());
        (await head.Client.PostAsync(Status, Ids(Enumerable.Repeat("x", 1001)))).IsInvalid("ids", "must have at most 1,000 ids");
        Assert.Equal("""{"results":[]}""", (await head.Client.PostAsync(Status, "{\"ids\": []}")).Is(200).Text);
        Assert.Equal("""{"results":[]}""", (await head.Client.PostAsync(Status, "\uFEFF{\"ids\": [], \"note\": 1}")).Is(200).Text);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"ids\": null}")]
    [InlineData("{\"ids\": \"x\"}")]
    [InlineData("{\"ids\": [1]}")]
    [InlineData("{\"ids\": [\"x\", null]}")]
    [InlineData("{\"ids\": {\"0\": \"x\"}}")]
    public async Task A_list_of_other_things_is_400(string body) => Assert.Equal(["ids"], (await head.Client.PostAsync(Status, body)).InvalidFields());

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"ids\": []} x")]
    [InlineData("{\"ids\": [], \"ids\": []}")]
    [InlineData("{\"ids\": [\"\\ud800\"]}")]
    public async Task What_is_not_JSON_is_400(string body) => Assert.Equal(["$"], (await head.Client.PostAsync(Status, body)).InvalidFields());

    private static string Ids(params IEnumerable<string> ids) => $$"""{"ids": [{{string.Join(", ", ids.Select(id => $"\"{id}\""))}}]}""";
}

[Collection(ServerHead.Collection)]
public sealed class ServerStatusTests(ServerHead head) : StatusTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionStatusTests(FunctionHead head) : StatusTests(head);

/// <summary>Statuses that a client can't bring about: the tests make them in the server's data directory.</summary>
[Needs(Outside.Program)]
public sealed class OtherStatusTests(OwnServer server) : IClassFixture<OwnServer>
{
    private static readonly IdCertifier s_ids = new(ServerFixture.SigningKey, TimeProvider.System);

    [Fact]
    public async Task An_issued_id_without_a_row_is_pending()
    {
        string id = s_ids.NewId().ToString("D");
        Answer answer = (await server.Client.GetAsync($"/api/transactions/{id}")).Is(200);
        Assert.Equal($$"""{"id":"{{id}}","status":"pending"}""", answer.Text);
        Assert.NotNull(answer.Header("Retry-After"));
        Answer many = (await server.Client.PostAsync("/api/transactions/status", $$"""{"ids": ["{{id}}"]}""")).Is(200);
        Assert.Equal($$"""{"results":[{"id":"{{id}}","status":"pending"}]}""", many.Text);
    }

    [Fact]
    public async Task What_could_not_be_scored_has_failed_with_what_could_be_read()
    {
        string id = s_ids.NewId().ToString("D");
        using var queue = new EmbeddedQueue(server.DataDirectory, "transactions-inbound", TimeProvider.System, new DependencyStatus("inbound_queue"));
        await queue.SendAsync(
            MessageText.Encode($$"""{"v": 1, "transactions": [{"id": "{{id}}", "user_id": 399, "category_id": 2310, "amount": 0.00001}]}"""),
            TimeSpan.Zero, CancellationToken.None);

        Answer answer = await server.Client.ResultAsync(id);
        Assert.Equal("failed", answer.String("status"));
        Assert.Equal("399", answer.Raw("user_id"));
        Assert.Null(answer.Raw("amount"));
        Assert.Contains("at most four decimals", answer.Json.GetProperty("error").GetProperty("detail").GetString(), StringComparison.Ordinal);
        Answer many = (await server.Client.PostAsync("/api/transactions/status", $$"""{"ids": ["{{id}}"]}""")).Is(200);
        Assert.Equal(answer.Text, many.Json.GetProperty("results")[0].GetRawText());
        Assert.Contains((await Feed.ReadAsync(server.Client, "")).Results, result => result.GetRawText() == answer.Text);
    }

    [Fact]
    public async Task What_was_purged_is_gone_and_a_repeat_of_it_stays_a_repeat()
    {
        string transaction = Requests.Transaction(399, more: $"\"idempotency_key\": \"{Requests.NewKey()}\"");
        string id = (await server.Client.ScoreAsync(transaction)).Id;
        Purge(id);
        (await server.Client.GetAsync($"/api/transactions/{id}?wait=30")).IsProblem(410, "gone");
        string purged = $$"""{"id":"{{id}}","status":"purged"}""";
        Assert.Equal($$"""{"results":[{{purged}}]}""", (await server.Client.PostAsync("/api/transactions/status", $$"""{"ids": ["{{id}}"]}""")).Is(200).Text);
        Assert.Equal(purged, (await server.Client.ScoreAsync(transaction)).Text);
    }

    private void Purge(string id)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(server.DataDirectory, "finance-ingest.db")};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = """
            INSERT INTO purged_transactions (transaction_id, purged_at) VALUES ($id, '2026-01-01T00:00:00.000000Z');
            DELETE FROM anomaly_transactions WHERE transaction_id = $id;
            """;
        command.Parameters.AddWithValue("$id", Guid.Parse(id).ToByteArray(bigEndian: true));
        command.ExecuteNonQuery();
    }
}
