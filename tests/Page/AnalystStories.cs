using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace FinanceIngest.Page;

/// <summary>What somebody does who answers for the money.</summary>
[Collection(SiteCollection.Name)]
public sealed class AnalystStories(Site site, Browser browser) : PageTest(browser)
{
    [Fact]
    public async Task The_strangest_payment_of_user_400_is_found_and_said_to_be_theirs()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies");
        var verdicts = new List<string>();
        await page.RouteAsync("**/feedback", async route =>
        {
            verdicts.Add($"{route.Request.Method} {route.Request.PostData}");
            await route.FulfillAsync(new() { Status = 202, Json = new { status = "pending" } });
        });
        await page.GetByLabel("User", new() { Exact = true }).FillAsync("400");
        await page.GetByLabel("At least").FillAsync("1000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();

        await Expect(page).ToHaveURLAsync(new Regex(@"#/anomalies\?user_id=400&min_amount=1000$"));
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4,899.00");
        await Expect(page.GetByText("standard deviations above the usual")).ToBeVisibleAsync();
        await Expect(page.Locator(".detail canvas")).ToHaveCountAsync(1);
        await Expect(page.Locator(".detail .plot")).ToHaveAttributeAsync("aria-label",
            new Regex("other payments of this user in this category, from .* This one is 4,899.00."));

        await page.GetByRole(AriaRole.Button, new() { Name = "This was mine" }).ClickAsync();
        await Expect(page.GetByText("Recorded: this was theirs.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = "Mine", Exact = true })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Take the verdict back" }).ClickAsync();
        await Expect(page.GetByText("The verdict was taken back.")).ToBeVisibleAsync();
        Assert.Equal(["PUT {\"verdict\":\"expected\"}", "DELETE "], verdicts);
    }

    [Fact]
    public async Task The_list_is_walked_and_judged_by_keys_alone()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies");
        var verdicts = new List<string>();
        await page.RouteAsync("**/feedback", async route =>
        {
            verdicts.Add($"{route.Request.Url.Split('/')[^2]} {route.Request.PostData}");
            await route.FulfillAsync(new() { Status = 202, Json = new { status = "pending" } });
        });
        ILocator selected = page.Locator("tr[aria-selected=true]");
        await Expect(selected).ToHaveCountAsync(1);
        string? first = await selected.GetAttributeAsync("id");

        await page.Keyboard.PressAsync("j");
        await Expect(selected).Not.ToHaveAttributeAsync("id", first!);
        string second = (await selected.GetAttributeAsync("id"))!;
        await page.Keyboard.PressAsync("u");
        await Expect(page.GetByText("Recorded: this was not theirs.")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("k");
        await Expect(selected).ToHaveAttributeAsync("id", first!);
        await page.Keyboard.PressAsync("e");
        await Expect(page.GetByText("Recorded: this was theirs.")).ToBeVisibleAsync();
        Assert.Equal([$"{second[4..]} {{\"verdict\":\"unexpected\"}}", $"{first![4..]} {{\"verdict\":\"expected\"}}"], verdicts);

        // Whoever dictates, or types elsewhere, can turn single letters off.
        await page.GetByRole(AriaRole.Button, new() { Name = "Keyboard shortcuts" }).ClickAsync();
        await page.Keyboard.PressAsync("j");
        await Expect(selected).ToHaveAttributeAsync("id", first);
    }

    [Fact]
    public async Task A_snooze_is_a_sensitivity_with_an_end()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000");
        JsonElement sent = default;
        await page.RouteAsync("**/api/sensitivity", async route =>
        {
            sent = JsonElement.Parse(route.Request.PostData!);
            await route.FulfillAsync(new() { Status = 202, Json = new { status = "pending" } });
        });
        await page.GetByRole(AriaRole.Button, new() { Name = "Snooze …" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).Locator("select").SelectOptionAsync("7");
        await page.GetByRole(AriaRole.Button, new() { Name = "Snooze", Exact = true }).ClickAsync();

        await Expect(page.GetByText(new Regex("^No alerts until "))).ToBeVisibleAsync();
        Assert.Equal((400, "never"), (sent[0].GetProperty("user_id").GetInt32(), sent[0].GetProperty("level").GetString()));
        Assert.InRange(sent[0].GetProperty("until").GetDateTime(), DateTime.UtcNow.AddDays(6), DateTime.UtcNow.AddDays(8));
    }

    [Fact]
    public async Task A_new_anomaly_says_so_by_itself()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=401");
        await Expect(page.Locator("tr[aria-selected=true]")).ToHaveCountAsync(1);
        await Expect(page.GetByText("Live", new() { Exact = true })).ToBeVisibleAsync();
        await Household.SubmitAsync(site.Server.Http, [Household.Line(401, 1040, 6400, DateTime.UtcNow)], "new", Token);

        await page.GetByRole(AriaRole.Button, new() { Name = "1 new, show" }).ClickAsync();
        await Expect(page.Locator(".amount")).ToHaveTextAsync("6,400.00");
    }

    [Fact]
    public async Task A_hundred_thousand_anomalies_are_behind_the_list_and_it_opens_as_any_other()
    {
        await Household.AnomaliesAsync(site.Server.Http, 777_000, 100_000, Token);
        await Household.ScoredAsync(site.Server.Http, Token);
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=777000");
        await Expect(page.GetByText("100 shown")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Show more" }).ClickAsync();
        await Expect(page.GetByText("200 shown")).ToBeVisibleAsync();
        await Expect(page.Locator(".detail canvas")).ToHaveCountAsync(1);
        await page.GotoAsync($"{site.Server.Address}#/person/777000");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Month by month, beside the year before" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_persons_months_trends_and_reasons_are_shown()
    {
        IPage page = await OpenAsync(site.Server, "#/person");
        await page.GetByLabel("User", new() { Exact = true }).FillAsync("400");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show" }).ClickAsync();

        await Expect(page).ToHaveTitleAsync("A person · FinanceIngest");
        await Expect(page.GetByRole(AriaRole.Table, new() { Name = "Categories of 12 months" }).GetByRole(AriaRole.Row)).ToHaveCountAsync(7);
        await Expect(page.GetByText(new Regex(@"in the last 90 days\.")).First).ToBeVisibleAsync();
        await Expect(page.Locator(".plot canvas")).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Table, new() { Name = "Payments, newest first" }).GetByRole(AriaRole.Row)).ToHaveCountAsync(51);
        await page.GetByLabel("Anomalies only").CheckAsync();
        await Expect(page.GetByRole(AriaRole.Table, new() { Name = "Payments, newest first" }).GetByText("Ordinary")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_shadow_is_compared_with_the_live_detector_and_without_one_that_is_said()
    {
        IPage page = await OpenAsync(site.Server, "#/detectors");
        await Expect(page.GetByText("No detector runs in shadow.")).ToBeVisibleAsync();

        // What a server with a shadow answers.
        await page.RouteAsync("**/api/transactions?user_id=400*", async route =>
        {
            IAPIResponse answer = await route.FetchAsync();
            JsonElement body = (await answer.JsonAsync())!.Value;
            int index = 0;
            var rows = body.GetProperty("transactions").EnumerateArray().Select(row =>
            {
                var changed = System.Text.Json.Nodes.JsonObject.Create(row)!;
                bool isOne = (bool?)changed["is_anomaly"] == true || ++index == 3;
                changed["shadow"] = new System.Text.Json.Nodes.JsonObject
                {
                    ["adaptive/1"] = new System.Text.Json.Nodes.JsonObject
                    {
                        ["is_anomaly"] = isOne,
                        ["score"] = 3.4
                    }
                };
                return changed;
            }).ToArray();
            await route.FulfillAsync(new()
            {
                ContentType = "application/json",
                Body = new System.Text.Json.Nodes.JsonObject
                {
                    ["transactions"] = new System.Text.Json.Nodes.JsonArray(rows),
                    ["next"] = null
                }.ToJsonString()
            });
        });
        await page.GetByLabel("User", new() { Exact = true }).FillAsync("400");
        await page.GetByRole(AriaRole.Button, new() { Name = "Compare" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "beside adaptive/1" })).ToBeVisibleAsync();
        await Expect(page.Locator(".tile").Filter(new() { HasText = "Only adaptive/1" }).Locator(".value")).ToHaveTextAsync("1");
    }

    [Fact]
    public async Task Numbers_and_days_are_in_the_browsers_language()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000", locale: "de-DE");
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4.899,00");
    }
}
