using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class RoutingTests(HeadFixture head)
{
    [Theory]
    [InlineData("/api")]
    [InlineData("/api/transaction")]
    [InlineData("/api/results/1")]
    [InlineData("/healthz2")]
    [InlineData("/openapi.json/x")]
    public async Task Another_path_is_404(string path)
    {
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Post, HttpMethod.Delete })
        {
            Answer answer = await head.Client.SendAsync(method, path);
            if (head.IsFunction)
            {
                answer.IsPlatforms(404);
            }
            else
            {
                answer.IsProblem(404, "not-found");
            }
        }
    }

    [Theory]
    [InlineData("DELETE", "/api/transactions", "POST, GET")]
    [InlineData("PUT", "/api/transactions", "POST, GET")]
    [InlineData("DELETE", "/api/score-transaction", "POST")]
    [InlineData("GET", "/api/transactions/batch", "POST")]
    [InlineData("GET", "/api/transactions/status", "POST")]
    [InlineData("OPTIONS", "/api/transactions", "POST, GET")]
    [InlineData("POST", "/api/transactions/01a204d7-059f-8d5a-a9c0-40695736d4e3", "GET, DELETE")]
    [InlineData("POST", "/api/results", "GET")]
    [InlineData("PATCH", "/api/anomalies", "GET")]
    [InlineData("POST", "/api/stats", "PUT, GET, DELETE")]
    [InlineData("POST", "/healthz", "GET")]
    [InlineData("DELETE", "/openapi.json", "GET")]
    [InlineData("BREW", "/readyz", "GET")]
    public async Task Another_method_is_405_and_says_which(string method, string path, string allowed)
    {
        Answer answer = await head.Client.SendAsync(new HttpMethod(method), path);
        // The platform itself answers a wrong method with 404, except that it passes GET /api/transactions/batch on, since "batch" could be an id.
        if (head.IsFunction && answer.Body.Length == 0)
        {
            answer.IsPlatforms(404);
            return;
        }

        Assert.Equal(allowed, answer.IsProblem(405, "method").Header("Allow"));
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/api/results")]
    public async Task A_GET_route_answers_HEAD_without_a_body(string path)
    {
        Assert.SkipWhen(head.IsFunction, "the platform routes HEAD itself");
        Answer answer = (await head.Client.SendAsync(HttpMethod.Head, path)).Is(200);
        Assert.Equal("application/json", answer.MediaType);
        Assert.NotEqual("0", answer.Header("Content-Length"));
    }

    // A decoded slash would lead to another route than the one that a proxy, or the platform's keys, have let through.
    [Theory]
    [InlineData("/api/transactions/01a204d7-059f-8d5a-a9c0-40695736d4e3%2Fmore")]
    [InlineData("/api/transactions/x%2f..")]
    public async Task An_encoded_slash_is_part_of_a_segment(string path)
    {
        Answer answer = (await head.Client.GetAsync(path)).IsProblem(404, "not-found");
        Assert.Contains("never issued that id", answer.String("detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_are_not_to_be_stored_or_sniffed()
    {
        foreach (string path in new[] { "/api/results?limit=1", "/api/results?limit=0", "/healthz" })
        {
            Answer answer = await head.Client.GetAsync(path);
            Assert.Equal("no-store", answer.Header("Cache-Control"));
            Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
            Assert.True(head.IsFunction || answer.Header("Server") is null, "the server tells its name");
        }
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerRoutingTests(ServerHead head) : RoutingTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionRoutingTests(FunctionHead head) : RoutingTests(head);
