using FinanceIngest.Http;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

/// <summary>A filter that does not filter shows somebody else's money: what a route would ignore is refused, on every route that needs a key.</summary>
public abstract class QueryParameterTests(HeadFixture head)
{
    private const string Anomalies = "user_id, category_id, min_amount, from, to, detector, verdict, after, limit";

    /// <summary>Every route that needs a key, with a body for it, and the parameters that it takes.</summary>
    public static TheoryData<string, string, string?, string> Routes { get; } = new(
        ("POST", "/api/transactions", "{}", "wait"),
        ("POST", "/api/score-transaction", "{}", "wait"),
        ("POST", "/api/transactions/batch", "[]", "history"),
        ("POST", "/api/transactions/status", "{}", ""),
        ("GET", "/api/transactions/01a204d7-059f-8d5a-a9c0-40695736d4e3", null, "wait"),
        ("GET", "/api/results", null, "after, limit"),
        ("GET", "/api/anomalies", null, Anomalies),
        ("PUT", "/api/stats", "[]", ""),
        ("GET", "/api/stats", null, "user_id, category_id, after, limit"),
        ("DELETE", "/api/stats", null, "user_id, category_id"));

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task An_unknown_one_is_400_and_the_known_ones_are_named(string method, string path, string? body, string known)
    {
        string message = $"is no parameter of this route, which takes {(known.Length == 0 ? "none" : "only " + known)}";
        foreach ((string query, string name) in new[] { ("userid=1", "userid"), ("userid", "userid"), ("399", "399"), ("=5", "?"), ("a&a", "a") })
        {
            (await SendAsync(method, $"{path}?{query}", body)).IsInvalid(name, message);
        }

        Answer several = await SendAsync(method, $"{path}?code2=1&format=json", body);
        Assert.Equal(["code2", "format"], several.InvalidFields());
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task An_empty_or_repeated_one_is_400(string method, string path, string? body, string known)
    {
        foreach (string name in known.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            (await SendAsync(method, $"{path}?{name}=", body)).IsInvalid(name, "must not be empty");
            (await SendAsync(method, $"{path}?{name}", body)).IsInvalid(name, "must not be empty");
            (await SendAsync(method, $"{path}?{name}=1&{name}=2", body)).IsInvalid(name, "is given more than once");
            (await SendAsync(method, $"{path}?{name}=1&{name}=1", body)).IsInvalid(name, "is given more than once");
            (await SendAsync(method, $"{path}?{name}=1&{name.ToUpperInvariant()}=2", body)).IsInvalid(name, "is given more than once");
        }
    }

    [Fact]
    public async Task Escapes_change_nothing()
    {
        (await head.Client.GetAsync("/api/anomalies?user%5Fid=")).IsInvalid("user_id", "must not be empty");
        (await head.Client.GetAsync("/api/anomalies?user+id=1")).IsInvalid("user id", $"is no parameter of this route, which takes only {Anomalies}");
        (await head.Client.GetAsync("/api/anomalies?user_id=%20")).IsInvalid("user_id", "must be from 1 to 9223372036854775807");
        (await head.Client.GetAsync("/api/anomalies?%E4%BD%A0=1")).IsInvalid("你", $"is no parameter of this route, which takes only {Anomalies}");
    }

    [Fact]
    public async Task A_query_without_parameters_is_none_and_the_key_may_stand_in_it()
    {
        (await head.Client.GetAsync("/api/results?")).Is(200);
        (await head.Client.GetAsync("/api/results?&")).Is(200);
        (await head.Client.GetAsync($"/api/results?limit=1&code={Uri.EscapeDataString(head.Client.Key ?? "x")}")).Is(200);
        (await head.Client.PostAsync($"/api/transactions?code={Uri.EscapeDataString(head.Client.Key ?? "x")}", Requests.Transaction())).Is(202);
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/openapi.json")]
    public async Task The_open_routes_ignore_theirs(string path) => (await head.Client.GetAsync($"{path}?x=&x=&user_id=1")).Is(200);

    private Task<Answer> SendAsync(string method, string path, string? body)
    {
        Assert.SkipWhen(head.IsFunction && path.StartsWith("/api/stats", StringComparison.Ordinal), "a function app has no such route");
        return (method is "PUT" or "DELETE" ? head.Admin : head.Client).SendAsync(new HttpMethod(method), path, body is null ? null : ApiClient.Content(body));
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerQueryParameterTests(ServerHead head) : QueryParameterTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionQueryParameterTests(FunctionHead head) : QueryParameterTests(head);

/// <summary>How a query is read, tested without a server.</summary>
public sealed class QueryTextTests
{
    [Theory]
    [InlineData("?a=1&b=2", "b", "2")]
    [InlineData("a=1&a=2", "a", "1")]
    [InlineData("?A=1", "a", "1")]
    [InlineData("?a=1=2", "a", "1=2")]
    [InlineData("?a=%2B1+2", "a", "+1 2")]
    [InlineData("?a=%zz%", "a", "%zz%")]
    [InlineData("?a=%ff", "a", "%ff")]
    [InlineData("?%61=x", "a", "x")]
    [InlineData("?&&a", "a", "")]
    [InlineData("?b=1", "a", null)]
    [InlineData("?", "a", null)]
    [InlineData("", "a", null)]
    public void A_parameter_is_found_by_its_name(string query, string name, string? value) =>
        Assert.Equal(value, QueryParameters.Parse(query).First(name));

    [Fact]
    public void A_long_name_is_cut_in_the_message()
    {
        Problem problem = Assert.Throws<ProblemException>(() => QueryParameters.Parse($"?{new string('x', 5000)}=1").RequireKnown([])).Problem;
        Assert.Equal(new string('x', 64) + "…", Assert.Single(problem.Errors!).Key);
    }
}
