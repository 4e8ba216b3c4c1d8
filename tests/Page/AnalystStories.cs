using System.Net.Http.Json;
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
        await page.GetByLabel("User", new() { Exact = true }).FillAsync("400");
        await page.GetByLabel("At least").FillAsync("1000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();

        await Expect(page).ToHaveURLAsync(new Regex(@"#/anomalies\?user_id=400&min_amount=1000$"));
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4,899.00");
        await Expect(page.GetByText("standard deviations above the usual")).ToBeVisibleAsync();
        await Expect(page.Locator(".detail canvas")).ToHaveCountAsync(1);
        await Expect(page.Locator(".detail .plot")).ToHaveAttributeAsync("aria-label",
            new Regex("other payments of this user in this category, from .* This one is 4,899.00."));
        string id = (await page.Locator("tr[aria-selected=true]").GetAttributeAsync("id"))![4..];

        await page.GetByRole(AriaRole.Button, new() { Name = "This was mine" }).ClickAsync();
        await Expect(page.GetByText("Recorded: this was theirs.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = "Mine", Exact = true })).ToBeVisibleAsync();
        Assert.Equal("expected", await VerdictAsync(id));
        await page.GetByRole(AriaRole.Button, new() { Name = "Take the verdict back" }).ClickAsync();
        await Expect(page.GetByText("The verdict was taken back.")).ToBeVisibleAsync();
        Assert.Null(await VerdictAsync(id));
    }

    [Fact]
    public async Task Anomalies_are_filtered_by_verdict_and_detector_and_the_address_keeps_both()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000&verdict=none&detector=zscore");
        await Expect(page.GetByLabel("Verdict")).ToHaveValueAsync("none");
        await Expect(page.GetByLabel("Detector")).ToHaveValueAsync("zscore");
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4,899.00");
        await page.Keyboard.PressAsync("e");
        await Expect(page.GetByText("Recorded: this was theirs.")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("Nothing matches.")).ToBeVisibleAsync();
        await page.GetByLabel("Verdict").SelectOptionAsync("given");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = "Mine", Exact = true })).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync(new Regex("user_id=400&min_amount=1000&verdict=given&detector=zscore$"));
        await page.GetByLabel("Detector").SelectOptionAsync("adaptive");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("Nothing matches.")).ToBeVisibleAsync();

        await page.GoBackAsync();
        await Expect(page.GetByLabel("Detector")).ToHaveValueAsync("zscore");
        await page.GetByRole(AriaRole.Button, new() { Name = "Take the verdict back" }).ClickAsync();
        await Expect(page.GetByText("The verdict was taken back.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_list_is_walked_and_judged_by_keys_alone()
    {
        IPage page = await OpenAsync(site.Server, $"#/anomalies?user_id={ManyAnomalies.User}");
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
        Assert.Equal(("unexpected", "expected"), (await VerdictAsync(second[4..]), await VerdictAsync(first![4..])));

        // Whoever dictates, or types elsewhere, can turn single letters off.
        await page.GetByRole(AriaRole.Button, new() { Name = "Keyboard shortcuts" }).ClickAsync();
        await page.Keyboard.PressAsync("j");
        await Expect(selected).ToHaveAttributeAsync("id", first);
    }

    [Fact]
    public async Task A_snooze_is_a_sensitivity_with_an_end_and_what_comes_meanwhile_is_listed_without_an_alert()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Snooze …" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).Locator("select").SelectOptionAsync("7");
        await page.GetByRole(AriaRole.Button, new() { Name = "Snooze", Exact = true }).ClickAsync();

        await Expect(page.GetByText(new Regex("^No alerts until "))).ToBeVisibleAsync();
        JsonElement set = (await site.Server.Http.GetFromJsonAsync<JsonElement>("api/sensitivity?user_id=400", Token)).GetProperty("sensitivity")
            .EnumerateArray().Single(one => one.GetProperty("category_id").GetInt32() == 2310);
        Assert.Equal("never", set.GetProperty("level").GetString());
        Assert.InRange(set.GetProperty("until").GetDateTime(), DateTime.UtcNow.AddDays(6), DateTime.UtcNow.AddDays(8));

        await Household.SubmitAsync(site.Server.Http, [Household.Line(400, 2310, 990, DateTime.UtcNow)], "snoozed", Token);
        await Household.ScoredAsync(site.Server.Http, Token);
        await page.GotoAsync($"{site.Server.Address}#/anomalies?user_id=400&category_id=2310");
        await Expect(page.GetByText("No alert, while it is snoozed")).ToBeVisibleAsync();
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
        IPage page = await OpenAsync(site.Server, $"#/anomalies?user_id={ManyAnomalies.User}");
        await Expect(page.GetByText("100 shown")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Show more" }).ClickAsync();
        await Expect(page.GetByText("200 shown")).ToBeVisibleAsync();
        await Expect(page.Locator(".detail canvas")).ToHaveCountAsync(1);
        await page.GotoAsync($"{site.Server.Address}#/person/{ManyAnomalies.User}");
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
    public async Task A_shadow_is_compared_with_the_live_detector()
    {
        IPage page = await OpenAsync(site.Server, "#/detectors");
        await page.GetByLabel("User", new() { Exact = true }).FillAsync("400");
        await page.GetByRole(AriaRole.Button, new() { Name = "Compare" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "The live detector beside adaptive" })).ToBeVisibleAsync();

        // The tiles say what the rows say.
        JsonElement[] rows = [.. (await site.Server.Http.GetFromJsonAsync<JsonElement>("api/transactions?user_id=400&limit=1000", Token))
            .GetProperty("transactions").EnumerateArray()];
        Assert.All(rows, row => Assert.True(row.GetProperty("shadow").TryGetProperty("adaptive", out _)));
        await TileIsAsync("Compared", _ => true);
        await TileIsAsync("Both", row => IsAnomaly(row) && IsAnomaly(Shadow(row)));
        await TileIsAsync("Only the live detector", row => IsAnomaly(row) && !IsAnomaly(Shadow(row)));
        await TileIsAsync("Only adaptive", row => !IsAnomaly(row) && IsAnomaly(Shadow(row)));
        Assert.Contains(rows, row => IsAnomaly(row) != IsAnomaly(Shadow(row)));

        Task TileIsAsync(string name, Func<JsonElement, bool> counts) => Expect(page.Locator(".tile").Filter(new()
        {
            Has = page.GetByText(name, new() { Exact = true })
        }).Locator(".value")).ToHaveTextAsync($"{rows.Count(counts)}");

        static JsonElement Shadow(JsonElement row) => row.GetProperty("shadow").GetProperty("adaptive");

        static bool IsAnomaly(JsonElement row) => row.GetProperty("is_anomaly").GetBoolean();
    }

    [Fact]
    public async Task Numbers_and_days_are_in_the_browsers_language()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000", locale: "de-DE");
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4.899,00");
    }

    private async Task<string?> VerdictAsync(string id) =>
        (await site.Server.Http.GetFromJsonAsync<JsonElement>($"api/transactions/{id}", Token)).TryGetProperty("feedback", out JsonElement verdict)
            ? verdict.GetString() : null;
}
