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

/// <summary>Sends hostile requests to a server without keys, which has the fewest defences.</summary>
[Needs(Outside.Program)]
public sealed class HostileRequestTests(OpenServer server) : IClassFixture<OpenServer>
{
    private const string Injection = "'; DROP TABLE anomaly_transactions; --";
    private readonly ApiClient _client = server.Client.WithKey(null);

    // A browser lets a foreign page post these types without a preflight. For any other type it asks first with OPTIONS, which the server refuses.
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task A_media_type_that_a_foreign_page_may_post_unasked_is_not_taken(string mediaType)
    {
        foreach (string path in new[] { "/api/transactions", "/api/score-transaction", "/api/transactions/batch", "/api/transactions/status" })
        {
            Answer answer = await _client.SendAsync(
                HttpMethod.Post, path, ApiClient.Content(Requests.Transaction(), mediaType), ("Origin", "https://attacker.example"));
            answer.IsProblem(415, "media-type");
        }
    }

    [Fact]
    public async Task SQL_in_any_text_stays_text()
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
        Assert.Equal(
            ["unknown", "scored"],
            bulk.Is(200).Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetString()));
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
        string[] bodies =
        [
            deep,
            $"{{\"x\": {deep}",
            .. new[] { digits, $"\"{digits}\"", "1e999999999", "1e-999999999" }.Select(amount => Requests.Transaction(1, amount)),
        ];
        foreach (string body in bodies)
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
    public void A_connection_that_dawdles_is_cut_off()
    {
        using var folder = new TemporaryFolder();
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        ListenAddresses.Configure(builder, new Settings { DataDirectory = folder.Path }, 7071);
        using ServiceProvider services = builder.Services.BuildServiceProvider();
        KestrelServerLimits limits = services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
        Assert.Equal(TimeSpan.FromSeconds(10), limits.RequestHeadersTimeout);
        Assert.Equal((1024, TimeSpan.FromSeconds(5)), (limits.MinRequestBodyDataRate!.BytesPerSecond, limits.MinRequestBodyDataRate.GracePeriod));
        Assert.Equal((16 * 1024, TimeSpan.FromSeconds(5)), (limits.MinResponseDataRate!.BytesPerSecond, limits.MinResponseDataRate.GracePeriod));
        Assert.Equal(32 * 1024, limits.MaxRequestHeadersTotalSize);
        Assert.False(services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.AddServerHeader);
    }
}
