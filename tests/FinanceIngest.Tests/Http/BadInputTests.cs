using CsCheck;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Tests.Http;

/// <summary>Bad input of every kind gets a 4xx problem, never a 5xx, and leaves nothing behind.</summary>
[Needs(Outside.Program)]
public sealed class BadInputTests(IntakeOnlyServer server) : IClassFixture<IntakeOnlyServer>
{
    // The seed is fixed, so every run sends the same requests. No scorer runs, so a request that got through would still be on the queue.
    private const string Seed = "0N0XIzNsQ0O2";
    private const int Count = 500;

    internal static IReadOnlyList<BadRequest> Requests { get; } = BadRequests.Any.Array[Count].Single(_ => true, Seed);

    [Fact]
    public async Task Bad_input_is_refused_and_nothing_is_left_of_it()
    {
        Assert.Empty((await server.Client.GetAsync("/api/results")).Is(200).Json.GetProperty("results").EnumerateArray());
        foreach (BadRequest bad in Requests)
        {
            await RefuseAsync(server.Client, server.Admin, bad);
        }

        using var queue = new EmbeddedQueue(server.DataDirectory, "transactions-inbound", TimeProvider.System, new DependencyStatus("inbound_queue"));
        Assert.Equal(0, (await queue.GetDepthAsync(CancellationToken.None)).Length);
        Assert.Equal(0, Rows("anomaly_stats"));
        Assert.Equal(0, Rows("anomaly_transactions"));
        Assert.Equal(0, Rows("poison_messages"));
        (await server.Client.SubmitAsync(Harness.Requests.Transaction())).Is(202);
        Assert.Equal(1, (await queue.GetDepthAsync(CancellationToken.None)).Length);
    }

    [Fact]
    public void All_kinds_of_flaws_and_all_routes_are_among_them()
    {
        Assert.Equal(13, Requests.Select(bad => bad.Flaw).Distinct().Count());
        Assert.Equal(7, Requests.Select(bad => (bad.Path, bad.MediaType)).Distinct().Count());
    }

    internal static async Task RefuseAsync(ApiClient client, ApiClient admin, BadRequest bad)
    {
        ApiClient caller = bad.Path == "/api/stats" ? admin : client;
        Answer answer = await caller.SendAsync(new HttpMethod(bad.Method), bad.Path, ApiClient.Content(bad.Body, bad.MediaType));
        Assert.True(answer.Status is 400 or 413 && answer.MediaType == "application/problem+json", $"{bad} gave {answer.Status}: {answer.Text}");
    }

    private long Rows(string table)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(server.DataDirectory, "finance-ingest.db")};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {table}";
        return (long)command.ExecuteScalar()!;
    }
}

public abstract class BadInputAtTheHeadTests(HeadFixture head)
{
    [Fact]
    public async Task Bad_input_is_refused_and_none_of_it_is_ever_scored()
    {
        string start = await Feed.EndAsync(head.Client);
        foreach (BadRequest bad in BadInputTests.Requests)
        {
            await BadInputTests.RefuseAsync(head.Client, head.Admin, bad);
        }

        // A request that got through would stand before this transaction in the feed, or have failed.
        Answer last = await head.Client.ScoreAsync(Requests.Transaction(BadRequests.UserId));
        Assert.Equal([last.Id], await Feed.IdsOfUserAsync(head.Client, start, BadRequests.UserId));
        Assert.DoesNotContain((await Feed.ReadAsync(head.Client, start)).Results, result => result.GetProperty("status").GetString() == "failed");
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerBadInputTests(ServerHead head) : BadInputAtTheHeadTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionBadInputTests(FunctionHead head) : BadInputAtTheHeadTests(head);
