using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

/// <summary>Baselines over HTTP, which IngestServer alone serves.</summary>
[Collection(ServerHead.Collection)]
public sealed class StatsTests(ServerHead server)
{
    private const string Stats = "/api/stats";
    private readonly long _user = Requests.NewId();

    [Fact]
    public async Task Baselines_are_inserted_then_replaced_and_hold_at_once()
    {
        Answer inserted = await server.Admin.PutAsync(Stats, Requests.List(Stat(categoryId: 7), Stat(categoryId: 8)));
        Assert.Equal("""{"inserted":2,"updated":0,"rejected":[]}""", inserted.Is(200).Text);
        Assert.Equal("8.0", (await server.Client.ScoreAsync(Requests.Transaction(_user, "6000"))).Raw("z_score"));
        Answer replaced = await server.Admin.PutAsync(Stats, Requests.List(Stat(mean: "4000"), Stat(categoryId: 9)));
        Assert.Equal("""{"inserted":1,"updated":1,"rejected":[]}""", replaced.Is(200).Text);
        Assert.Equal("4.0", (await server.Client.ScoreAsync(Requests.Transaction(_user, "6000"))).Raw("z_score"));
    }

    [Fact]
    public async Task NDJSON_is_taken_line_by_line()
    {
        string body = $"{Stat()}\n\n{{broken\n{Stat(categoryId: 8)}\r\n";
        Answer answer = (await server.Admin.SendAsync(HttpMethod.Put, Stats, ApiClient.Content(body, "application/x-ndjson"))).Is(200);
        Assert.Equal("2", answer.Raw("inserted"));
        Assert.Equal(1, answer.Json.GetProperty("rejected")[0].GetProperty("index").GetInt32());
        Assert.Equal(1, answer.Json.GetProperty("rejected").GetArrayLength());
    }

    [Fact]
    public async Task Of_several_for_one_key_the_last_holds()
    {
        await server.Admin.PutAsync(Stats, Requests.List(Stat(mean: "1"), Stat(mean: "2"), Stat(mean: "5000")));
        Assert.Equal("2.0", (await server.Client.ScoreAsync(Requests.Transaction(_user, "6000"))).Raw("z_score"));
    }

    [Theory]
    [InlineData("user_id", "0")]
    [InlineData("user_id", "\"5\"")]
    [InlineData("category_id", "null")]
    [InlineData("category_id", "9223372036854775808")]
    [InlineData("mean", "\"x\"")]
    [InlineData("mean", "1e400")]
    [InlineData("mean", "null")]
    [InlineData("std_dev", "-1")]
    [InlineData("std_dev", "1e400")]
    [InlineData("std_dev", "true")]
    [InlineData("sample_count", "-1")]
    [InlineData("sample_count", "1.5")]
    [InlineData("sample_count", "9223372036854775808")]
    [InlineData("sample_count", "[]")]
    public async Task A_wrong_one_is_rejected_by_its_index_and_takes_no_other_along(string field, string value)
    {
        var members = new Dictionary<string, string>
        {
            ["user_id"] = "5",
            ["category_id"] = "7",
            ["mean"] = "2000",
            ["std_dev"] = "500",
            ["sample_count"] = "40",
            [field] = value,
        };
        string wrong = $"{{{string.Join(", ", members.Select(member => $"\"{member.Key}\": {member.Value}"))}}}";
        Answer answer = (await server.Admin.PutAsync(Stats, Requests.List(Stat(), wrong))).Is(200);
        Assert.Equal("1", answer.Raw("inserted"));
        Assert.Equal(1, answer.Json.GetProperty("rejected")[0].GetProperty("index").GetInt32());
        Assert.True(answer.Json.GetProperty("rejected")[0].GetProperty("errors").TryGetProperty(field, out _));

        answer = (await server.Admin.PutAsync(Stats, Requests.List(wrong))).IsProblem(400, "validation");
        Assert.True(answer.Json.GetProperty("rejected")[0].GetProperty("errors").TryGetProperty(field, out _), answer.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("[{}")]
    public async Task What_is_no_list_of_baselines_is_400(string body) => Assert.Equal(["$"], (await server.Admin.PutAsync(Stats, body)).InvalidFields());

    [Fact]
    public async Task Ten_thousand_at_most()
    {
        string[] stats = [.. Enumerable.Range(1, 10_001).Select(category => Stat(categoryId: category))];
        (await server.Admin.PutAsync(Stats, Requests.List(stats))).IsProblem(413, "too-large");
        (await server.Admin.SendAsync(HttpMethod.Put, Stats, ApiClient.Content(Requests.Lines(stats), "application/x-ndjson"))).IsProblem(413, "too-large");
        Assert.Equal("no_baseline", (await server.Client.ScoreAsync(Requests.Transaction(_user))).String("reason"));
        Assert.Equal("10000", (await server.Admin.PutAsync(Stats, Requests.List(stats[1..]))).Is(200).Raw("inserted"));
    }

    [Fact]
    public async Task Only_the_scope_admin_may_write_and_only_read_may_list()
    {
        (await server.Client.PutAsync(Stats, Requests.List(Stat()))).IsProblem(403, "scope");
        (await server.Client.SendAsync(HttpMethod.Delete, $"{Stats}?user_id={_user}")).IsProblem(403, "scope");
        (await server.Admin.GetAsync($"{Stats}?user_id={_user}")).IsProblem(403, "scope");

        Assert.Equal("no_baseline", (await server.Client.ScoreAsync(Requests.Transaction(_user))).String("reason"));
    }

    [Fact]
    public async Task They_are_listed_in_pages_by_user_and_category()
    {
        string[] stats = [.. Enumerable.Range(1, 5).Select(category => Stat(mean: "0.1", categoryId: 6 - category))];
        (await server.Admin.PutAsync(Stats, Requests.List(stats))).Is(200);

        Answer first = (await server.Client.GetAsync($"{Stats}?user_id={_user}&limit=2")).Is(200);
        Assert.StartsWith(
            $$"""{"stats":[{"user_id":{{_user}},"category_id":1,"mean":0.1,"std_dev":500.0,"sample_count":40},""", first.Text, StringComparison.Ordinal);
        List<long> categories = [];
        for (Answer page = first; ;)
        {
            categories.AddRange(page.Json.GetProperty("stats").EnumerateArray().Select(stat => stat.GetProperty("category_id").GetInt64()));
            if (page.Json.GetProperty("next").GetString() is not { } next)
            {
                break;
            }

            page = (await server.Client.GetAsync($"{Stats}?user_id={_user}&limit=2&after={next}")).Is(200);
        }

        Assert.Equal([1, 2, 3, 4, 5], categories);
        Answer one = (await server.Client.GetAsync($"{Stats}?user_id={_user}&category_id=4")).Is(200);
        Assert.Equal(4, Assert.Single(one.Json.GetProperty("stats").EnumerateArray()).GetProperty("category_id").GetInt64());
        Assert.Equal("""{"stats":[],"next":null}""", (await server.Client.GetAsync($"{Stats}?user_id={_user}&category_id=9")).Is(200).Text);
        Assert.True((await server.Client.GetAsync($"{Stats}?limit=100000")).Is(200).Json.GetProperty("stats").GetArrayLength() is >= 5 and <= 1000);
    }

    [Fact]
    public async Task What_is_removed_holds_for_no_scoring_and_removing_nothing_is_204_too()
    {
        (await server.Admin.PutAsync(Stats, Requests.List(Stat(), Stat(categoryId: 8), Stat(categoryId: 9)))).Is(200);

        Answer removed = (await server.Admin.SendAsync(HttpMethod.Delete, $"{Stats}?user_id={_user}&category_id=7")).Is(204);
        Assert.Equal((0, null), (removed.Body.Length, removed.MediaType));
        Assert.Equal("no_baseline", (await server.Client.ScoreAsync(Requests.Transaction(_user))).String("reason"));
        Assert.Equal(2, (await server.Client.GetAsync($"{Stats}?user_id={_user}")).Json.GetProperty("stats").GetArrayLength());
        (await server.Admin.SendAsync(HttpMethod.Delete, $"{Stats}?user_id={_user}&category_id=7")).Is(204);
        (await server.Admin.SendAsync(HttpMethod.Delete, $"{Stats}?user_id={_user}")).Is(204);
        Assert.Equal(0, (await server.Client.GetAsync($"{Stats}?user_id={_user}")).Json.GetProperty("stats").GetArrayLength());
    }

    [Theory]
    [InlineData("GET", "user_id=0", "user_id")]
    [InlineData("GET", "category_id=x", "category_id")]
    [InlineData("GET", "limit=0", "limit")]
    [InlineData("GET", "after=nonsense", "after")]
    [InlineData("GET", "after=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "after")]
    [InlineData("DELETE", "category_id=1", "user_id")]
    [InlineData("DELETE", "user_id=-1", "user_id")]
    [InlineData("DELETE", "user_id=1&category_id=0", "category_id")]
    [InlineData("DELETE", "user_id=1&limit=5", "limit")]
    public async Task A_wrong_parameter_is_400(string method, string query, string field) => Assert.Equal(
        [field], (await (method == "GET" ? server.Client : server.Admin).SendAsync(new HttpMethod(method), $"{Stats}?{query}")).InvalidFields());

    private string Stat(string mean = "2000", long categoryId = 7) => Requests.Stat(_user, mean, categoryId: categoryId);
}
