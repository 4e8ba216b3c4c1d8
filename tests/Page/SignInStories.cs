using FinanceIngest.Tests.Support;
using Microsoft.Playwright;

namespace FinanceIngest.Page;

/// <summary>Signing in with an account where an authority is configured.</summary>
[Collection(SiteCollection.Name)]
public sealed class SignInStories(Browser browser) : PageTest(browser)
{
    [Fact]
    public async Task Somebody_signs_in_with_an_account_and_lands_where_the_address_led()
    {
        Expected.Add("status of 40");
        using var folder = new TemporaryFolder();
        await using var authority = new Authority();
        await using var server = new Server(
            folder.Path, ("FinanceIngest__Jwt__Authority", authority.Issuer), ("FinanceIngest__Jwt__Audience", Authority.Client));
        authority.Redirect = server.Address.ToString();
        authority.Start();
        await server.StartAsync();
        IPage page = await OpenAsync(server, "#/anomalies?user_id=400");
        var asked = new List<string>();
        page.Request += (_, request) => asked.Add(request.Url);
        await NoViolationAsync(page, "signing in with an account");

        // The page may ask its own server and the authority, and nobody else.
        string policy = (await page.APIRequest.GetAsync(server.Address.ToString())).Headers["content-security-policy"];
        Assert.Contains($"connect-src 'self' {new Uri(authority.Issuer).GetLeftPart(UriPartial.Authority)};", policy, StringComparison.Ordinal);

        authority.IsRefusing = true;
        await page.GetByRole(AriaRole.Button, new() { Name = $"Sign in with {new Uri(authority.Issuer).Authority}" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The person said no.");
        authority.IsRefusing = false;
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in with" }).ClickAsync();
        await Expect(page.GetByText("No anomalies yet.").Or(page.GetByText("Nothing matches."))).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync($"{server.Address}#/anomalies?user_id=400");

        // The token goes out in a header, and is kept for the tab.
        string token = await page.EvaluateAsync<string>("sessionStorage.getItem('finance-ingest-key')");
        Assert.StartsWith("eyJ", token, StringComparison.Ordinal);
        Assert.DoesNotContain(asked, url => url.Contains(token, StringComparison.Ordinal));
        Assert.DoesNotContain(
            asked, url => url.StartsWith(server.Address.ToString(), StringComparison.Ordinal) && url.Split('#')[0].Contains("code=", StringComparison.Ordinal));
        Assert.Equal(0, await page.EvaluateAsync<int>("localStorage.length"));
        await page.ReloadAsync();
        await Expect(page.GetByText("Nothing matches.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Sign in with" })).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("sessionStorage.length"));
    }

    [Fact]
    public async Task An_answer_that_nobody_asked_for_signs_nobody_in()
    {
        Expected.Add("status of 40");
        using var folder = new TemporaryFolder();
        await using var authority = new Authority();
        await using var server = new Server(
            folder.Path, ("FinanceIngest__Jwt__Authority", authority.Issuer), ("FinanceIngest__Jwt__Audience", Authority.Client));
        authority.Start();
        await server.StartAsync();

        // Somebody else's code, planted by a link.
        IPage page = await OpenAsync(server, "#code=planted&state=planted");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("This answer belongs to no sign-in of this tab. Sign in again.");
        await Expect(page).ToHaveURLAsync($"{server.Address}#/now");
        Assert.DoesNotContain(authority.Asked, request => request.StartsWith("POST", StringComparison.Ordinal));
        Assert.Null(await page.EvaluateAsync<string?>("sessionStorage.getItem('finance-ingest-key')"));
    }
}
