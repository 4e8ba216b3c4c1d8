using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>The dashboard page that IngestServer shows in a browser.</summary>
[Needs(Outside.Program)]
public sealed class DashboardTests
{
    [Fact]
    public async Task It_opens_with_a_key_and_runs_nothing_but_its_own_script()
    {
        using var folder = new TemporaryFolder();
        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", folder.Path, ("FinanceIngest__ApiKeys__person__Secret", "a secret"));
        using var client = new HttpClient { BaseAddress = await server.AddressAsync() };

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/")).StatusCode);
        HttpResponseMessage page = await client.GetAsync("/?code=a%20secret");
        string html = await page.Content.ReadAsStringAsync();

        Assert.Equal("text/html; charset=utf-8", page.Content.Headers.ContentType!.ToString());
        string policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        string nonce = policy.Split("'nonce-")[1].Split('\'')[0];
        Assert.StartsWith("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains($"<script nonce=\"{nonce}\">", html, StringComparison.Ordinal);
        Assert.DoesNotContain("{{nonce}}", html, StringComparison.Ordinal);
        Assert.DoesNotContain(nonce, await client.GetStringAsync("/?code=a%20secret"), StringComparison.Ordinal);

        JsonElement status = await client.GetFromJsonAsync<JsonElement>("/dashboard/status?code=a%20secret");
        Assert.Equal("""{"inbound":{"length":0,"transactions":0,"oldest_seconds":0},"poison":0,"unsent_alerts":0,"alerts":0}""", status.GetRawText());
        await server.TerminateAsync();
    }
}
