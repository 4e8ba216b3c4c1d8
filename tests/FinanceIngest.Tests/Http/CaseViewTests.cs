using System.Text.Json;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

/// <summary>What the page for people asks beside results, which IngestServer alone serves: histories, a person's months, poison messages, series of
/// figures.</summary>
[Collection(ServerHead.Collection)]
public sealed class CaseViewTests(ServerHead server)
{
    private readonly long _user = Requests.NewId();

    [Fact]
    public async Task A_users_history_is_paged_and_filtered()
    {
        await server.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user)));
        var ids = new List<string>();
        for (int day = 1; day <= 5; day++)
        {
            string amount = day == 3 ? "9000" : "2000";
            ids.Add((await server.Client.ScoreAsync(Requests.Transaction(_user, amount, $"\"occurred_at\":\"2026-01-0{day}T12:00:00Z\""))).String("id")!);
        }

        Answer first = (await server.Client.GetAsync($"/api/transactions?user_id={_user}&limit=2")).Is(200);
        Answer second = (await server.Client.GetAsync($"/api/transactions?user_id={_user}&limit=3&after={first.String("next")}")).Is(200);
        Assert.Equal([ids[4], ids[3]], Ids(first));
        Assert.Equal([ids[2], ids[1], ids[0]], Ids(second));
        Assert.Equal(JsonValueKind.Null, second.Json.GetProperty("next").ValueKind);
        Assert.Equal([ids[2]], Ids(await server.Client.GetAsync($"/api/transactions?user_id={_user}&is_anomaly=true")));
        Assert.Equal([ids[2]], Ids(await server.Client.GetAsync($"/api/transactions?user_id={_user}&min_amount=2000.0001")));
        Assert.Equal(4, Ids(await server.Client.GetAsync($"/api/transactions?user_id={_user}&is_anomaly=false&status=scored")).Count);
        Assert.Equal([ids[1]], Ids(await server.Client.GetAsync($"/api/transactions?user_id={_user}&from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z")));
        Assert.Empty(Ids(await server.Client.GetAsync($"/api/transactions?user_id={_user}&status=failed")));
        Assert.Equal([ids[2]], Ids(await server.Client.GetAsync($"/api/anomalies?user_id={_user}&min_amount=9000"), "anomalies"));
        Assert.Empty(Ids(await server.Client.GetAsync($"/api/anomalies?user_id={_user}&min_amount=9000.01"), "anomalies"));
    }

    [Fact]
    public async Task Anomalies_are_filtered_by_detector_and_verdict_and_a_filter_that_would_not_filter_is_refused()
    {
        await server.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user)));
        string mine = (await server.Client.ScoreAsync(Requests.Transaction(_user, "9000", "\"occurred_at\":\"2026-01-03T12:00:00Z\""))).String("id")!;
        string other = (await server.Client.ScoreAsync(Requests.Transaction(_user, "9001", "\"occurred_at\":\"2026-01-02T12:00:00Z\""))).String("id")!;
        (await server.Client.WithKey(ServerFixture.ManagerKey).PutAsync(
            $"/api/transactions/{mine}/feedback", """{"verdict": "expected"}""", ("Prefer", "wait=20"))).Is(200);

        Assert.Equal([mine, other], await AnomaliesAsync("detector=zscore"));
        Assert.Empty(await AnomaliesAsync("detector=adaptive"));
        Assert.Empty(await AnomaliesAsync("detector=adaptive/1"));
        Assert.Equal([mine], await AnomaliesAsync("verdict=given"));
        Assert.Equal([mine], await AnomaliesAsync("verdict=expected&detector=zscore"));
        Assert.Empty(await AnomaliesAsync("verdict=unexpected"));
        Assert.Equal([other], await AnomaliesAsync("verdict=none"));
        foreach (string wrong in new[] { "zscore/1", "Adaptive", "adaptive/", "adaptive/0", "adaptive/1/2", "adaptive/%25", "%25", "other" })
        {
            (await server.Client.GetAsync($"/api/anomalies?detector={wrong}")).IsInvalid(
                "detector", "must be zscore, adaptive, or a version such as adaptive/1");
        }

        (await server.Client.GetAsync("/api/anomalies?verdict=mine")).IsInvalid("verdict", "must be one of expected, unexpected, given, none");

        async Task<List<string>> AnomaliesAsync(string filter) =>
            Ids((await server.Client.GetAsync($"/api/anomalies?user_id={_user}&{filter}")).Is(200), "anomalies");
    }

    [Theory]
    [InlineData("")]
    [InlineData("?category_id=5")]
    [InlineData("?is_anomaly=false")]
    [InlineData("?status=scored")]
    [InlineData("?status=pending&user_id=1")]
    [InlineData("?is_anomaly=1&user_id=1")]
    [InlineData("?min_amount=-1&user_id=1")]
    [InlineData("?min_amount=1.00001&user_id=1")]
    [InlineData("?user_id=1&after=x")]
    [InlineData("?user_id=1&user=2")]
    public async Task Everybodys_history_and_wrong_filters_are_refused(string query) => (await server.Client.GetAsync($"/api/transactions{query}")).Is(400);

    [Fact]
    public async Task Everybodys_failures_and_anomalies_are_listed()
    {
        (await server.Client.GetAsync("/api/transactions?status=failed")).Is(200);
        (await server.Client.GetAsync("/api/transactions?is_anomaly=true&limit=1")).Is(200);
        Assert.Empty(Ids((await server.Client.GetAsync("/api/transactions?is_anomaly=true&status=failed")).Is(200)));
    }

    [Fact]
    public async Task A_persons_months_are_added_up()
    {
        DateTime month = new(DateTime.UtcNow.Year, DateTime.UtcNow.Month, 1, 0, 0, 0, DateTimeKind.Utc);
        await server.Client.ScoreAsync(At(month, "10.25", 7));
        await server.Client.ScoreAsync(At(month.AddMonths(-1), "20", 7));
        await server.Client.ScoreAsync(At(month.AddMonths(-1), "70", 8));
        await server.Client.ScoreAsync(At(month.AddMonths(-13), "15", 8));
        await server.Client.ScoreAsync(At(month.AddMonths(-12), "3", 8));

        JsonElement insights = (await server.Client.GetAsync($"/api/users/{_user}/insights?months=3")).Is(200).Json;

        Assert.Equal((100.25m, 3), (insights.GetProperty("all").GetProperty("total").GetDecimal(),
            insights.GetProperty("all").GetProperty("count").GetInt32()));
        JsonElement[] categories = [.. insights.GetProperty("categories").EnumerateArray()];
        Assert.Equal([8, 7], categories.Select(category => category.GetProperty("category_id").GetInt32()));
        Assert.Equal(0.6983, categories[0].GetProperty("share").GetDouble());
        JsonElement before = insights.GetProperty("all").GetProperty("by_month")[1];
        Assert.Equal((90m, 15m), (before.GetProperty("total").GetDecimal(), before.GetProperty("total_last_year").GetDecimal()));
        JsonElement present = insights.GetProperty("all").GetProperty("by_month")[2];
        Assert.Equal((10.25m, 3m), (present.GetProperty("total").GetDecimal(), present.GetProperty("total_last_year_so_far").GetDecimal()));
        Assert.False(before.TryGetProperty("total_last_year_so_far", out _));
        Assert.Equal("too_little", insights.GetProperty("all").GetProperty("risk").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("/api/users/0/insights", 404)]
    [InlineData("/api/users/x/insights", 404)]
    [InlineData("/api/users/1/insights?months=0", 400)]
    [InlineData("/api/users/1/insights?months=99", 200)]
    [InlineData("/api/status/history", 200)]
    [InlineData("/api/events?types=other", 400)]
    [InlineData("/api/events?user_id=x", 400)]
    public async Task Parameters_are_checked(string path, int status) => (await server.Client.GetAsync(path)).Is(status);

    [Fact]
    public async Task Poison_messages_need_an_administrators_key_and_known_ids()
    {
        (await server.Client.GetAsync("/api/poison")).Is(403);
        (await server.Client.PostAsync("/api/poison/drop", """{"message_ids": ["x"]}""")).Is(403);
        (await server.Admin.GetAsync("/api/poison?limit=5")).Is(200);
        (await server.Admin.GetAsync("/api/poison/nothing")).Is(404);
        (await server.Admin.GetAsync("/api/poison?after=nothing")).Is(410);
        Assert.Equal(
            """{"done":[],"unknown":["x","y"],"unfinished":[]}""", (await server.Admin.PostAsync("/api/poison/redrive",
                """{"message_ids": ["x", "y", "x"]}""")).Is(200).Text);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"message_ids": []}""")]
    [InlineData("""{"message_ids": [5]}""")]
    [InlineData("""{"message_ids": [""]}""")]
    [InlineData("""{"message_ids": "x"}""")]
    [InlineData("[")]
    public async Task A_wrong_list_of_messages_is_refused(string body) => (await server.Admin.PostAsync("/api/poison/drop", body)).Is(400);

    private string At(DateTime at, string amount, long category) =>
        Requests.Transaction(_user, amount, $"\"occurred_at\":\"{at:yyyy-MM-ddTHH:mm:ssZ}\"", category);

    private static List<string> Ids(Answer page, string name = "transactions") =>
        [.. page.Is(200).Json.GetProperty(name).EnumerateArray().Select(row => row.GetProperty("id").GetString()!)];
}
