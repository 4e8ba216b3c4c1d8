using System.Net;
using FinanceIngest.Http;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Http;

/// <summary>The limits of requests and of failures, on a clock that stands still.</summary>
public sealed class FailureLimiterTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_request_weighs_as_much_as_it_asks_for_and_never_more_than_a_minute()
    {
        var limiter = new RateLimiter(10, _time);
        limiter.Count("a", 9);
        Assert.Equal(429, StatusOf(() => limiter.Count("a", 2)));
        limiter.Count("a");
        Assert.Equal(429, StatusOf(() => limiter.Count("a")));

        _time.Advance(TimeSpan.FromMinutes(1));
        limiter.Count("a", 1000);
        Assert.Equal(429, StatusOf(() => limiter.Count("a")));
        limiter.Count("a", 0);
    }

    [Fact]
    public void Ids_that_were_never_issued_are_limited_for_each_caller()
    {
        var failures = new FailureLimiter(_time);
        failures.CountIds("a", FailureLimiter.IdsPerMinute);
        Assert.Equal(429, StatusOf(() => failures.CountIds("a", 1)));
        failures.CountIds("a", 0);
        failures.CountIds("b", 1);

        _time.Advance(TimeSpan.FromSeconds(6));
        failures.CountIds("a", FailureLimiter.IdsPerMinute / 10);
        Assert.Equal(429, StatusOf(() => failures.CountIds("a", 1)));
    }

    [Fact]
    public void Unknown_keys_are_limited_for_each_address_and_an_IPv6_network_is_one()
    {
        var failures = new FailureLimiter(_time);
        for (int i = 0; i < FailureLimiter.KeysPerMinute; i++)
        {
            failures.CountKey(IPAddress.Parse($"2001:db8::{i:x}"));
        }

        Assert.Equal(429, StatusOf(() => failures.CountKey(IPAddress.Parse("2001:db8::ffff:1"))));
        failures.CountKey(IPAddress.Parse("2001:db8:0:1::1"));
        failures.CountKey(IPAddress.Parse("192.0.2.1"));
        failures.CountKey(IPAddress.Parse("::ffff:192.0.2.1"));
        failures.CountKey(null);
    }

    [Fact]
    public void Callers_without_number_share_one_limit_and_those_that_were_limited_stay_so()
    {
        var limiter = new RateLimiter(1, _time);
        for (int i = 0; i < 10_000; i++)
        {
            limiter.Count($"{i}");
        }

        limiter.Count("one more");
        Assert.Equal(429, StatusOf(() => limiter.Count("and another")));
        Assert.Equal(429, StatusOf(() => limiter.Count("0")));

        // Whoever may ask again takes up no memory.
        _time.Advance(TimeSpan.FromMinutes(1));
        limiter.Count("and another");
        limiter.Count("a third");
    }

    private static int StatusOf(Action action) => Assert.Throws<ProblemException>(action).Problem.Status;
}

/// <summary>Guesses of ids and keys through a server without a configured rate limit.</summary>
[Needs(Outside.Program)]
public sealed class GuessingTests(OwnServer server) : IClassFixture<OwnServer>
{
    [Fact]
    public async Task Guesses_of_ids_end_and_issued_ids_are_answered_all_the_same()
    {
        Answer issued = (await server.Client.SubmitAsync(Requests.Transaction())).Is(202);
        int answered = 0;
        Answer refusal = null!;
        for (int i = 0; i < 5 && refusal is null; i++)
        {
            Answer answer = await server.Client.PostAsync("/api/transactions/status", Ids(Enumerable.Range(0, 900).Select(_ => Guid.NewGuid())));
            answered += answer.Status == 200 ? 900 : 0;
            refusal = answer.Status == 429 ? answer : null!;
        }

        Assert.NotNull(refusal.IsProblem(429, "rate-limit").Header("Retry-After"));
        Assert.InRange(answered, 900, 2 * FailureLimiter.IdsPerMinute);
        Assert.Contains("never issued", refusal.String("detail"), StringComparison.Ordinal);

        // A guess beside an issued id is not answered either, and an issued id alone is.
        (await server.Client.PostAsync("/api/transactions/status", Ids([Guid.Parse(issued.Id), .. Enumerable.Range(0, 900).Select(_ => Guid.NewGuid())])))
            .IsProblem(429, "rate-limit");
        (await server.Client.PostAsync("/api/transactions/status", Ids([Guid.Parse(issued.Id)]))).Is(200);
        (await server.Client.GetAsync($"/api/transactions/{issued.Id}")).Is(200);
        (await server.Client.GetAsync("/api/results")).Is(200);
    }

    [Fact]
    public async Task Guesses_of_keys_are_no_longer_told_and_a_right_key_passes()
    {
        ApiClient guesser = server.Client.WithKey("a wrong key");
        Answer answer = null!;
        for (int i = 0; i < FailureLimiter.KeysPerMinute + 300 && answer?.Status != 429; i++)
        {
            answer = await guesser.GetAsync("/api/results");
            Assert.True(answer.Status is 401 or 429, answer.Text);
        }

        Assert.NotNull(answer.IsProblem(429, "rate-limit").Header("Retry-After"));
        (await server.Client.GetAsync("/api/results")).Is(200);
    }

    private static string Ids(params IEnumerable<Guid> ids) => $$"""{"ids": [{{string.Join(", ", ids.Select(id => $"\"{id}\""))}}]}""";
}
