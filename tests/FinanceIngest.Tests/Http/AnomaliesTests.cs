using System.Text.Json;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class AnomaliesTests(HeadFixture head)
{
    private readonly long _user = Requests.NewId();

    [Fact]
    public async Task Anomalies_come_newest_first_and_only_they()
    {
        string[] ids = await MakeAsync("2026-01-03", "2026-01-01", "2026-01-02");
        await head.Client.ScoreAsync(Transaction("2026-01-04", amount: "2500"));
        Answer page = (await head.Client.GetAsync($"/api/anomalies?user_id={_user}")).Is(200);
        Assert.Equal([ids[0], ids[2], ids[1]], Ids(page));
        Assert.Equal(JsonValueKind.Null, page.Json.GetProperty("next").ValueKind);
        Assert.Equal((await head.Client.GetAsync($"/api/transactions/{ids[0]}")).Text, page.Json.GetProperty("anomalies")[0].GetRawText());
    }

    [Fact]
    public async Task Pages_go_on_where_the_last_one_ended_also_between_equal_times()
    {
        string[] ids = await MakeAsync("2026-01-01", "2026-01-02", "2026-01-02", "2026-01-02", "2026-01-03");
        List<string> paged = [];
        string? after = "";
        int pages = 0;
        while (after is not null)
        {
            Answer page = (await head.Client.GetAsync($"/api/anomalies?user_id={_user}&limit=2{Feed.After(after)}")).Is(200);
            paged.AddRange(Ids(page));
            after = page.String("next");
            pages++;
        }

        Assert.Equal(3, pages);
        Assert.Equal(ids.Order(), paged.Order());
        Assert.Equal(ids[4], paged[0]);
        Assert.Equal(ids[0], paged[4]);

        // A full page that ends exactly where the history ends has no cursor to a next page.
        Assert.Equal(JsonValueKind.Null, (await head.Client.GetAsync($"/api/anomalies?user_id={_user}&limit=5")).Json.GetProperty("next").ValueKind);
    }

    [Fact]
    public async Task From_is_inclusive_and_to_is_exclusive()
    {
        string[] ids = await MakeAsync("2026-01-01", "2026-01-02", "2026-01-03");
        Assert.Equal([ids[2], ids[1]], Ids((await QueryAsync("&from=2026-01-02T00:00:00Z")).Is(200)));
        Assert.Equal([ids[0]], Ids((await QueryAsync("&to=2026-01-02T00:00:00Z")).Is(200)));
        Assert.Equal([ids[1]], Ids((await QueryAsync("&from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z")).Is(200)));
        Assert.Equal([ids[1]], Ids((await QueryAsync("&from=2026-01-02T05:30:00%2B05:30&to=2026-01-03T05:30:00+05:30")).Is(200)));
        Assert.Empty(Ids((await QueryAsync("&from=2026-01-03T00:00:00Z&to=2026-01-01T00:00:00Z")).Is(200)));
    }

    [Fact]
    public async Task A_category_restricts_as_well()
    {
        await MakeAsync("2026-01-01");
        await head.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user, categoryId: 8)));
        Answer other = await head.Client.ScoreAsync(Transaction("2026-01-02", category: 8));
        Assert.Equal([other.Id], Ids((await QueryAsync("&category_id=8")).Is(200)));
        const string instant = "from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00.000001Z";
        Answer everyones = await head.Client.GetAsync($"/api/anomalies?category_id=8&{instant}&limit=1000");
        Assert.Equal([other.Id], Ids(everyones.Is(200)).Intersect([other.Id]));
        Assert.Empty(Ids((await QueryAsync("&category_id=9")).Is(200)));
    }

    [Theory]
    [InlineData("user_id=0", "user_id", "must be from 1 to 9223372036854775807")]
    [InlineData("user_id=-5", "user_id", "must be from 1 to 9223372036854775807")]
    [InlineData("user_id=x", "user_id", "must be from 1 to 9223372036854775807")]
    [InlineData("user_id=9223372036854775808", "user_id", "must be from 1 to 9223372036854775807")]
    [InlineData("category_id=1.0", "category_id", "must be from 1 to 9223372036854775807")]
    [InlineData("from=yesterday", "from", "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z")]
    [InlineData("from=2026-01-01", "from", "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z")]
    [InlineData("to=2026-01-01T00:00:00", "to", "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z")]
    [InlineData("to=9", "to", "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z")]
    public async Task A_malformed_filter_is_400(string query, string field, string message) =>
        (await head.Client.GetAsync($"/api/anomalies?{query}")).IsInvalid(field, message);

    [Fact]
    public async Task A_cursor_of_the_history_is_none_of_the_feed()
    {
        await MakeAsync("2026-01-01", "2026-01-02");
        string next = (await QueryAsync("&limit=1")).Is(200).String("next")!;
        (await head.Client.GetAsync($"/api/results?after={next}")).IsInvalid("after", "must be a cursor from an earlier answer");
    }

    private Task<Answer> QueryAsync(string more) => head.Client.GetAsync($"/api/anomalies?user_id={_user}{more}");

    /// <summary>Creates one anomaly on each of these days, in the given order, and returns their ids.</summary>
    private async Task<string[]> MakeAsync(params string[] days)
    {
        (await head.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user)))).Is(200);
        List<string> ids = [];
        foreach (string day in days)
        {
            Answer answer = await head.Client.ScoreAsync(Transaction(day));
            Assert.Equal("true", answer.Raw("is_anomaly"));
            ids.Add(answer.Id);
        }

        return [.. ids];
    }

    private string Transaction(string day, string amount = "6000", long category = 7) =>
        Requests.Transaction(_user, amount, $"\"occurred_at\": \"{day}T00:00:00Z\"", category);

    private static IEnumerable<string> Ids(Answer page) =>
        page.Json.GetProperty("anomalies").EnumerateArray().Select(result => result.GetProperty("id").GetString()!);
}

[Collection(ServerHead.Collection)]
public sealed class ServerAnomaliesTests(ServerHead head) : AnomaliesTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionAnomaliesTests(FunctionHead head) : AnomaliesTests(head);
