using System.Text;
using FinanceIngest.Configuration;
using FinanceIngest.KestrelHead;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FinanceIngest.Tests.Security;

/// <summary>Requests that mean harm, at a server without keys: the weakest there is.</summary>
[Needs(Outside.Program)]
public sealed class HostileRequestTests(OpenServer server) : IClassFixture<OpenServer>
{
    private const string Injection = "'; DROP TABLE anomaly_transactions; --";
    private readonly ApiClient _client = server.Client.WithKey(null);

    // A foreign page can post these without asking first; whatever else it sends is asked for with OPTIONS, which is refused.
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task What_a_foreign_page_may_post_unasked_is_not_taken(string mediaType)
    {
        foreach (string path in new[] { "/api/transactions", "/api/score-transaction", "/api/transactions/batch", "/api/transactions/status" })
        {
            (await _client.SendAsync(HttpMethod.Post, path, ApiClient.Content(Requests.Transaction(), mediaType), ("Origin", "https://attacker.example"))).IsProblem(415, "media-type");
        }
    }

    [Fact]
    public async Task Sql_in_any_text_is_text()
    {
        long user = Requests.NewId();
        string path = Uri.EscapeDataString(Injection);
        Answer scored = await _client.ScoreAsync(Requests.Transaction(user, more: $"\"idempotency_key\": \"{Injection}\""));
        Assert.Equal(scored.Id, (await _client.SubmitAsync(Requests.Transaction(user), ("Idempotency-Key", Injection))).Is(202).Id);
        (await _client.GetAsync($"/api/transactions/{path}")).IsProblem(404, "not-found");
        (await _client.GetAsync($"/api/results?after={path}")).IsProblem(400, "validation");
        (await _client.GetAsync($"/api/anomalies?after={path}")).IsProblem(400, "validation");
        foreach (string filter in new[] { "user_id", "category_id", "from", "to", "limit" })
        {
            (await _client.GetAsync($"/api/anomalies?{filter}={path}")).IsProblem(400, "validation");
        }

        Answer bulk = await _client.PostAsync("/api/transactions/status", $$"""{"ids": ["{{Injection}}", "{{scored.Id}}"]}""");
        Assert.Equal(["unknown", "scored"], bulk.Is(200).Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Sixteen_mebibytes_of_line_ends_hold_no_transaction()
    {
        byte[] lines = new byte[16 * 1024 * 1024];
        Array.Fill(lines, (byte)'\n');
        (await _client.SendAsync(HttpMethod.Post, "/api/transactions/batch", ApiClient.Content(lines, "application/x-ndjson"))).IsProblem(400, "validation");
    }

    [Fact]
    public async Task Deep_nesting_and_giant_numbers_are_refused()
    {
        string deep = string.Concat(Enumerable.Repeat("[", 100_000));
        string digits = new('9', 500_000);
        foreach (string body in new[] { deep, $"{{\"x\": {deep}", Requests.Transaction(1, digits), Requests.Transaction(1, $"\"{digits}\""), Requests.Transaction(1, "1e999999999"), Requests.Transaction(1, "1e-999999999") })
        {
            (await _client.SubmitAsync(body)).IsProblem(400, "validation");
        }
    }

    [Fact]
    public async Task A_bomb_is_not_unpacked()
    {
        using var content = ApiClient.Content(Encoding.UTF8.GetBytes("never looked at"));
        content.Headers.ContentEncoding.Add("gzip");
        (await _client.SendAsync(HttpMethod.Post, "/api/transactions", content)).IsProblem(415, "media-type");
    }

    [Fact]
    public void Who_dawdles_is_cut_off()
    {
        using var folder = new TemporaryFolder();
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        ListenAddresses.Configure(builder, new Settings { DataDirectory = folder.Path }, 7071);
        using ServiceProvider services = builder.Services.BuildServiceProvider();
        KestrelServerLimits limits = services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
        Assert.InRange(limits.RequestHeadersTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        Assert.True(limits.MinRequestBodyDataRate is { BytesPerSecond: >= 240 } rate && rate.GracePeriod <= TimeSpan.FromSeconds(5));
        Assert.InRange(limits.MaxRequestHeadersTotalSize, 1, 64 * 1024);
        Assert.False(services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.AddServerHeader);
    }
}
