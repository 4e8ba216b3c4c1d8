using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http;

public abstract class WaitTests(HeadFixture head)
{
    private readonly long _user = Requests.NewId();

    [Theory]
    [InlineData("2500", "2500.0", "1.0", "false")]
    [InlineData("6000", "6000.0", "8.0", "true")]
    public async Task A_client_of_the_older_function_needs_only_this_header(string amount, string shown, string z, string isAnomaly)
    {
        await head.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user)));
        Answer answer = (await head.Client.PostAsync("/api/score-transaction", Requests.Transaction(_user, amount), ("Prefer", "wait=30"))).Is(200);

        // The response has every field of the older system's response.
        Assert.Equal(_user.ToString(CultureInfo.InvariantCulture), answer.Raw("user_id"));
        Assert.Equal("7", answer.Raw("category_id"));
        Assert.Equal(shown, answer.Raw("amount"));
        Assert.Equal(z, answer.Raw("z_score"));
        Assert.Equal(isAnomaly, answer.Raw("is_anomaly"));

        Assert.Equal("scored", answer.String("status"));
        Assert.Equal("scored", answer.String("reason"));
        Assert.Equal("""{"mean":2000.0,"std_dev":500.0,"sample_count":40}""", answer.Raw("baseline"));
        Assert.Equal("wait=30", answer.Header("Preference-Applied"));
        Assert.Equal(answer.TextBeforeSending, (await head.Client.GetAsync($"/api/transactions/{answer.Id}")).Is(200).TextBeforeSending);
    }

    [Fact]
    public async Task Without_a_baseline_there_is_no_score()
    {
        Answer answer = await head.Client.ScoreAsync(Requests.Transaction(_user));
        Assert.Equal("no_baseline", answer.String("reason"));
        Assert.Equal("false", answer.Raw("is_anomaly"));
        Assert.Equal("null", answer.Raw("z_score"));
        Assert.Equal("null", answer.Raw("baseline"));
    }

    [Theory]
    [InlineData("2000", "500", "1", "insufficient_samples")]
    [InlineData("2000", "0", "40", "zero_variance")]
    [InlineData("2000", "1e-320", "40", "zero_variance")]
    public async Task A_baseline_may_be_too_weak_to_score(string mean, string stdDev, string samples, string reason)
    {
        await head.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user, mean, stdDev, samples)));
        Answer answer = await head.Client.ScoreAsync(Requests.Transaction(_user, "9999"));
        Assert.Equal(reason, answer.String("reason"));
        Assert.Equal("false", answer.Raw("is_anomaly"));
        Assert.Equal("null", answer.Raw("z_score"));
        Assert.StartsWith("{", answer.Raw("baseline"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wait=10", "wait=10")]
    [InlineData("wait=30", "wait=30")]
    [InlineData("wait=31", "wait=30")]
    [InlineData("wait=99999999999999999999", "wait=30")]
    [InlineData("WAIT = \"10\"", "wait=10")]
    [InlineData("respond-async, wait=10", "wait=10")]
    [InlineData("return=minimal; foo=bar, wait=10, wait=20", "wait=10")]
    public async Task A_wait_is_cut_to_30_seconds(string prefer, string applied) =>
        Assert.Equal(applied, (await head.Client.SubmitAsync(Requests.Transaction(_user), ("Prefer", prefer))).Is(200).Header("Preference-Applied"));

    [Theory]
    [InlineData("wait=0")]
    [InlineData("respond-async")]
    [InlineData("waiting=5, return=minimal")]
    public async Task Without_a_wait_the_answer_is_202(string prefer) =>
        Assert.Null((await head.Client.SubmitAsync(Requests.Transaction(_user), ("Prefer", prefer))).Is(202).Header("Preference-Applied"));

    [Theory]
    [InlineData("wait=ten")]
    [InlineData("wait=-1")]
    [InlineData("wait=1.5")]
    [InlineData("wait=")]
    [InlineData("wait")]
    [InlineData("wait=+5")]
    public async Task A_malformed_wait_is_an_error(string prefer)
    {
        (await head.Client.SubmitAsync(Requests.Transaction(_user), ("Prefer", prefer))).IsInvalid("Prefer", "must be a whole number of at least 0");
        (await head.Client.GetAsync($"/api/transactions/{Guid.NewGuid()}", ("Prefer", prefer))).IsProblem(400, "validation");
    }

    [Theory]
    [InlineData("ten")]
    [InlineData("-1")]
    [InlineData("1.5")]
    public async Task A_malformed_wait_in_the_query_is_an_error(string wait)
    {
        string id = (await head.Client.SubmitAsync(Requests.Transaction(_user))).Id;
        (await head.Client.GetAsync($"/api/transactions/{id}?wait={wait}")).IsInvalid("wait", "must be a whole number of at least 0");
    }

    [Fact]
    public async Task The_wait_may_stand_in_the_query()
    {
        (await head.Client.PostAsync("/api/transactions?wait=30", Requests.Transaction(_user))).Is(200);
        string id = (await head.Client.SubmitAsync(Requests.Transaction(_user))).Id;
        Assert.Equal("scored", (await head.Client.GetAsync($"/api/transactions/{id}?wait=99999")).Is(200).String("status"));
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerWaitTests(ServerHead head) : WaitTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionWaitTests(FunctionHead head) : WaitTests(head);

[Needs(Outside.Program)]
public sealed class PendingTests(IntakeOnlyServer server) : IClassFixture<IntakeOnlyServer>
{
    [Fact]
    public async Task A_wait_that_passes_ends_in_the_202()
    {
        long start = Stopwatch.GetTimestamp();
        Answer answer = (await server.Client.SubmitAsync(Requests.Transaction(), ("Prefer", "wait=1"))).Is(202);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.9, 20);
        Assert.Equal("pending", answer.String("status"));
    }

    [Fact]
    public async Task Pending_is_id_and_status_and_says_when_to_ask_again()
    {
        string id = (await server.Client.SubmitAsync(Requests.Transaction())).Id;
        Answer answer = (await server.Client.GetAsync($"/api/transactions/{id}")).Is(200);
        Assert.Equal($$"""{"id":"{{id}}","status":"pending"}""", answer.Text);
        Assert.NotNull(answer.Header("Retry-After"));
    }

    [Fact]
    public async Task A_long_poll_that_passes_ends_in_pending()
    {
        string id = (await server.Client.SubmitAsync(Requests.Transaction())).Id;
        long start = Stopwatch.GetTimestamp();
        Assert.Equal("pending", (await server.Client.GetAsync($"/api/transactions/{id}?wait=1")).Is(200).String("status"));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.9, 20);
    }
}
