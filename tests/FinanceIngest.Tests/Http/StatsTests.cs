using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class StatsTests(HeadFixture head)
{
    private const string Stats = "/api/stats";
    private readonly long _user = Requests.NewId();

    [Fact]
    public async Task Baselines_are_inserted_then_replaced_and_hold_at_once()
    {
        Answer inserted = await head.Admin.PutAsync(Stats, Requests.List(Stat(categoryId: 7), Stat(categoryId: 8)));
        Assert.Equal("""{"inserted":2,"updated":0,"rejected":[]}""", inserted.Is(200).Text);
        Assert.Equal("8.0", (await head.Client.ScoreAsync(Requests.Transaction(_user, "6000"))).Raw("z_score"));
        Answer replaced = await head.Admin.PutAsync(Stats, Requests.List(Stat(mean: "4000"), Stat(categoryId: 9)));
        Assert.Equal("""{"inserted":1,"updated":1,"rejected":[]}""", replaced.Is(200).Text);
        Assert.Equal("4.0", (await head.Client.ScoreAsync(Requests.Transaction(_user, "6000"))).Raw("z_score"));
    }

    [Fact]
    public async Task NDJSON_is_taken_line_by_line()
    {
        string body = $"{Stat()}\n\n{{broken\n{Stat(categoryId: 8)}\r\n";
        Answer answer = (await head.Admin.SendAsync(HttpMethod.Put, Stats, ApiClient.Content(body, "application/x-ndjson"))).Is(200);
        Assert.Equal("2", answer.Raw("inserted"));
        Assert.Equal(1, answer.Json.GetProperty("rejected")[0].GetProperty("index").GetInt32());
        Assert.Equal(1, answer.Json.GetProperty("rejected").GetArrayLength());
    }

    [Fact]
    public async Task Of_several_for_one_key_the_last_holds()
    {
        await head.Admin.PutAsync(Stats, Requests.List(Stat(mean: "1"), Stat(mean: "2"), Stat(mean: "5000")));
        Assert.Equal("2.0", (await head.Client.ScoreAsync(Requests.Transaction(_user, "6000"))).Raw("z_score"));
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
        Answer answer = (await head.Admin.PutAsync(Stats, Requests.List(Stat(), wrong))).Is(200);
        Assert.Equal("1", answer.Raw("inserted"));
        Assert.Equal(1, answer.Json.GetProperty("rejected")[0].GetProperty("index").GetInt32());
        Assert.True(answer.Json.GetProperty("rejected")[0].GetProperty("errors").TryGetProperty(field, out _));

        answer = (await head.Admin.PutAsync(Stats, Requests.List(wrong))).IsProblem(400, "validation");
        Assert.True(answer.Json.GetProperty("rejected")[0].GetProperty("errors").TryGetProperty(field, out _), answer.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("[{}")]
    public async Task What_is_no_list_of_baselines_is_400(string body) => Assert.Equal(["$"], (await head.Admin.PutAsync(Stats, body)).InvalidFields());

    [Fact]
    public async Task Ten_thousand_at_most()
    {
        string[] stats = [.. Enumerable.Range(1, 10_001).Select(category => Stat(categoryId: category))];
        (await head.Admin.PutAsync(Stats, Requests.List(stats))).IsProblem(413, "too-large");
        (await head.Admin.SendAsync(HttpMethod.Put, Stats, ApiClient.Content(Requests.Lines(stats), "application/x-ndjson"))).IsProblem(413, "too-large");
        Assert.Equal("no_baseline", (await head.Client.ScoreAsync(Requests.Transaction(_user))).String("reason"));
        Assert.Equal("10000", (await head.Admin.PutAsync(Stats, Requests.List(stats[1..]))).Is(200).Raw("inserted"));
    }

    [Fact]
    public async Task Only_the_scope_admin_may()
    {
        Answer answer = await head.Client.PutAsync(Stats, Requests.List(Stat()));
        if (head.IsFunction)
        {
            answer.IsPlatforms(401);
        }
        else
        {
            answer.IsProblem(403, "scope");
        }

        Assert.Equal("no_baseline", (await head.Client.ScoreAsync(Requests.Transaction(_user))).String("reason"));
    }

    private string Stat(string mean = "2000", long categoryId = 7) => Requests.Stat(_user, mean, categoryId: categoryId);
}

[Collection(ServerHead.Collection)]
public sealed class ServerStatsTests(ServerHead head) : StatsTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionStatsTests(FunctionHead head) : StatsTests(head);
