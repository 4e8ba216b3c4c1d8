using System.Buffers.Text;
using System.Text.Json;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http;

public abstract class ResultsTests(HeadFixture head)
{
    private readonly long _user = Requests.NewId();

    [Fact]
    public async Task Results_come_in_the_order_in_which_they_were_scored_and_the_cursor_goes_on()
    {
        string start = await Feed.EndAsync(head.Client);
        List<string> scored = [];
        for (int i = 0; i < 5; i++)
        {
            scored.Add((await head.Client.ScoreAsync(Requests.Transaction(_user))).Id);
        }

        Answer page = (await head.Client.GetAsync($"/api/results?after={start}&limit=2")).Is(200);
        Assert.Equal(scored[..2], Ids(page));
        page = (await head.Client.GetAsync($"/api/results?after={page.String("next")}&limit=2")).Is(200);
        Assert.Equal(scored[2..4], Ids(page));
        page = (await head.Client.GetAsync($"/api/results?after={page.String("next")}&limit=2")).Is(200);
        Assert.Equal(scored[4..], Ids(page));

        // An empty page at the feed's end still has a cursor, which finds later results.
        Answer empty = (await head.Client.GetAsync($"/api/results?after={page.String("next")}")).Is(200);
        Assert.Empty(Ids(empty));
        Assert.NotEmpty(empty.String("next")!);
        string later = (await head.Client.ScoreAsync(Requests.Transaction(_user))).Id;
        Assert.Equal([later], Ids((await head.Client.GetAsync($"/api/results?after={empty.String("next")}")).Is(200)));
        Assert.Equal([.. scored, later], Ids((await head.Client.GetAsync($"/api/results?after={start}")).Is(200)));
    }

    [Fact]
    public async Task Any_page_size_gives_the_same_feed()
    {
        string start = await Feed.EndAsync(head.Client);
        Answer batch = (await head.Client.PostAsync("/api/transactions/batch", Requests.List(Enumerable.Repeat(Requests.Transaction(_user), 37)))).Is(202);
        foreach (JsonElement item in batch.Json.GetProperty("accepted").EnumerateArray())
        {
            await head.Client.ResultAsync(item.GetProperty("id").GetString()!);
        }

        string[] all = [.. (await Feed.ReadAsync(head.Client, start)).Results.Select(result => result.GetProperty("id").GetString()!)];
        Assert.Equal(37, all.Length);
        foreach (int limit in new[] { 1, 7, 36, 37, 38 })
        {
            Assert.Equal(all, (await Feed.ReadAsync(head.Client, start, limit)).Results.Select(result => result.GetProperty("id").GetString()!));
        }
    }

    [Fact]
    public async Task A_result_in_the_feed_is_the_result_object()
    {
        string start = await Feed.EndAsync(head.Client);
        await head.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user)));
        Answer scored = await head.Client.ScoreAsync(Requests.Transaction(_user, "6000"));
        Answer page = (await head.Client.GetAsync($"/api/results?after={start}")).Is(200);
        Assert.Equal(scored.Text, page.Json.GetProperty("results")[0].GetRawText());
    }

    [Fact]
    public async Task A_limit_is_cut_to_1000()
    {
        await head.Client.ScoreAsync(Requests.Transaction(_user));
        Assert.InRange(Ids((await head.Client.GetAsync("/api/results")).Is(200)).Count(), 1, 100);
        Assert.InRange(Ids((await head.Client.GetAsync("/api/results?limit=1001")).Is(200)).Count(), 1, 1000);
        Assert.InRange(Ids((await head.Client.GetAsync("/api/results?limit=99999999999999999999")).Is(200)).Count(), 1, 1000);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("ten")]
    [InlineData("1.5")]
    [InlineData("1e3")]
    [InlineData("%2B5")]
    [InlineData("%D9%A3")]
    public async Task A_malformed_limit_is_400(string limit)
    {
        (await head.Client.GetAsync($"/api/results?limit={limit}")).IsInvalid("limit", "must be a whole number of at least 1");
        (await head.Client.GetAsync($"/api/anomalies?limit={limit}")).IsInvalid("limit", "must be a whole number of at least 1");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("0")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AQAAAAAAAAABNECa4L3vJyd__________")]
    [InlineData("AQAAAAAAAAABNECa4L3vJyd__________ww")]
    [InlineData("AQAAAAAAAAABNECa4L3vJyd//////////w")]
    [InlineData("AQAAAAAAAAABNECa%20L3vJyd__________w")]
    [InlineData("%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80"
        + "%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80")]
    public async Task A_malformed_cursor_is_400(string after)
    {
        (await head.Client.GetAsync($"/api/results?after={after}")).IsInvalid("after", "must be a cursor from an earlier answer");
        (await head.Client.GetAsync($"/api/anomalies?after={after}")).IsInvalid("after", "must be a cursor from an earlier answer");
    }

    [Fact]
    public async Task A_cursor_of_the_feed_is_none_of_the_history()
    {
        await head.Client.ScoreAsync(Requests.Transaction(_user));
        string cursor = await Feed.EndAsync(head.Client);
        (await head.Client.GetAsync($"/api/anomalies?after={cursor}")).IsInvalid("after", "must be a cursor from an earlier answer");
    }

    [Fact]
    public async Task A_cursor_from_another_history_is_410()
    {
        await head.Client.ScoreAsync(Requests.Transaction(_user));
        string cursor = await Feed.EndAsync(head.Client);

        // First the cursor names the same position with another batch's id, as after a restore; then it names a position that does not exist yet.
        byte[] bytes = Base64Url.DecodeFromChars(cursor);
        bytes[16] ^= 1;
        (await head.Client.GetAsync($"/api/results?after={Base64Url.EncodeToString(bytes)}")).IsProblem(410, "gone");
        bytes = Base64Url.DecodeFromChars(cursor);
        bytes[2] ^= 1;
        (await head.Client.GetAsync($"/api/results?after={Base64Url.EncodeToString(bytes)}")).IsProblem(410, "gone");
    }

    private static IEnumerable<string> Ids(Answer page) =>
        page.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("id").GetString()!);
}

[Collection(ServerHead.Collection)]
public sealed class ServerResultsTests(ServerHead head) : ResultsTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionResultsTests(FunctionHead head) : ResultsTests(head);

[Needs(Outside.Program)]
public sealed class EmptyFeedTests(IntakeOnlyServer server) : IClassFixture<IntakeOnlyServer>
{
    [Fact]
    public async Task An_empty_feed_has_a_cursor_too()
    {
        Answer page = (await server.Client.GetAsync("/api/results")).Is(200);
        Assert.Empty(page.Json.GetProperty("results").EnumerateArray());
        Answer next = (await server.Client.GetAsync($"/api/results?after={page.String("next")}")).Is(200);
        Assert.NotEmpty(next.String("next")!);
        Assert.Equal("""{"anomalies":[],"next":null}""", (await server.Client.GetAsync("/api/anomalies")).Is(200).Text);
    }
}
