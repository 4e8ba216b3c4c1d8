using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http;

public abstract class KeyTests(HeadFixture head)
{
    public static TheoryData<string, string> KeyedRoutes { get; } = new(
        ("POST", "/api/transactions"), ("POST", "/api/score-transaction"), ("POST", "/api/transactions/batch"), ("POST", "/api/transactions/status"),
        ("GET", "/api/transactions/01a204d7-059f-8d5a-a9c0-40695736d4e3"), ("GET", "/api/results"), ("GET", "/api/anomalies"), ("PUT", "/api/stats"),
        ("GET", "/api/stats"), ("DELETE", "/api/stats?user_id=1"));

    [Theory]
    [MemberData(nameof(KeyedRoutes))]
    public async Task Without_a_known_key_it_is_401(string method, string path)
    {
        Assert.SkipWhen(head.IsFunction && path.StartsWith("/api/stats", StringComparison.Ordinal), "a function app has no such route");
        foreach (string? key in new[] { null, "wrong", "x" })
        {
            Unauthorized(await SendAsync(head.Client.WithKey(key), method, path));
            char separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
            Unauthorized(await SendAsync(head.Client.WithKey(null), method, key is null ? path : $"{path}{separator}code={key}"));
        }
    }

    [Fact]
    public async Task The_key_may_stand_in_the_query()
    {
        string key = head.Client.Key ?? "";
        Assert.SkipWhen(key.Length == 0, "this head has no keys (FINANCE_TEST_KEY)");
        ApiClient nobody = head.Client.WithKey(null);
        (await nobody.GetAsync($"/api/results?limit=1&code={Uri.EscapeDataString(key)}")).Is(200);
        (await nobody.PostAsync($"/api/transactions?code={Uri.EscapeDataString(key)}", Requests.Transaction())).Is(202);
        Unauthorized(await nobody.GetAsync($"/api/results?code={Uri.EscapeDataString(key + "x")}"));
        Unauthorized(await nobody.GetAsync($"/api/results?code={Uri.EscapeDataString(key[..^1])}"));
        Unauthorized(await nobody.GetAsync("/api/results?code="));
    }

    private static Task<Answer> SendAsync(ApiClient client, string method, string path) =>
        client.SendAsync(new HttpMethod(method), path, method == "GET" ? null : ApiClient.Content(Requests.Transaction()));

    private void Unauthorized(Answer answer)
    {
        if (head.IsFunction)
        {
            answer.IsPlatforms(401);
            return;
        }

        answer.IsProblem(401, "key");
        Assert.Contains("ApiKey", answer.Header("WWW-Authenticate"), StringComparison.Ordinal);
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerKeyTests(ServerHead head) : KeyTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionKeyTests(FunctionHead head) : KeyTests(head);

[Needs(Outside.Program)]
public sealed class ScopeTests(ScopedServer server) : IClassFixture<ScopedServer>
{
    [Theory]
    [MemberData(nameof(KeyTests.KeyedRoutes), MemberType = typeof(KeyTests))]
    public async Task A_key_without_the_scope_is_403(string method, string path)
    {
        string needed = method is "PUT" or "DELETE" ? "admin" : method == "GET" || path.EndsWith("/status", StringComparison.Ordinal) ? "read" : "submit";
        foreach (string scope in new[] { "submit", "read", "manage", "admin" })
        {
            HttpContent? body = method == "GET" ? null : ApiClient.Content("[]");
            Answer answer = await server.Client.WithKey($"only {scope}").SendAsync(new HttpMethod(method), path, body);
            if (scope == needed)
            {
                Assert.NotInRange(answer.Status, 401, 403);
            }
            else
            {
                answer.IsProblem(403, "scope");
            }
        }
    }

    [Fact]
    public async Task Two_keys_hold_at_once()
    {
        (await server.Client.WithKey("only submit").SubmitAsync(Requests.Transaction())).Is(202);
        (await server.Client.WithKey("another submit").SubmitAsync(Requests.Transaction())).Is(202);
    }
}

/// <summary>A server with one key for each scope.</summary>
public sealed class ScopedServer() : ServerFixture(
    ("FinanceIngest__ApiKeys__a__Secret", "only submit"), ("FinanceIngest__ApiKeys__a__Scopes", "submit"),
    ("FinanceIngest__ApiKeys__b__Secret", "only read"), ("FinanceIngest__ApiKeys__b__Scopes", "read"),
    ("FinanceIngest__ApiKeys__c__Secret", "only admin"), ("FinanceIngest__ApiKeys__c__Scopes", "admin"),
    ("FinanceIngest__ApiKeys__e__Secret", "only manage"), ("FinanceIngest__ApiKeys__e__Scopes", "manage"),
    ("FinanceIngest__ApiKeys__d__Secret", "another submit"), ("FinanceIngest__ApiKeys__d__Scopes", "submit"));
