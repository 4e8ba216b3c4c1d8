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
        await page.GetByLabel("Amount at least").FillAsync("1000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();

        await Expect(page).ToHaveURLAsync(new Regex(@"#/anomalies\?user_id=400&min_amount=1000$"));
        await Expect(page.GetByText("Nothing is selected.")).ToBeVisibleAsync();
        await Expect(page.Locator(".amount")).ToHaveCountAsync(0);
        await Expect(page.Locator("tr.open a").First).ToBeFocusedAsync();
        await ChooseNewestAsync(page);
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4,899.00");
        await Expect(page.GetByText("standard deviations above the usual")).ToBeVisibleAsync();
        await Expect(page.Locator(".detail canvas")).ToHaveCountAsync(1);
        await Expect(page.Locator(".detail .plot")).ToHaveAttributeAsync("aria-label",
            new Regex("other payments of this user in this category, from .* This one is 4,899.00."));
        string id = (await page.Locator("tr[aria-selected=true]").GetAttributeAsync("id"))![4..];

        await page.GetByRole(AriaRole.Button, new() { Name = "This was mine" }).ClickAsync();
        ILocator said = page.GetByText("Recorded: mine.");
        await Expect(said).ToContainTextAsync("does not learn, so that others like it are alerted as before");
        await Expect(said).ToContainTextAsync("stays in the history as it was judged");
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = "Mine", Exact = true })).ToBeVisibleAsync();
        Assert.Equal("expected", await VerdictAsync(id));

        // Whoever looks at the person sees what was said of the payment.
        await page.GetByRole(AriaRole.Link, new() { Name = "400", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "4,899.00" }).GetByText("Mine", new() { Exact = true })).ToBeVisibleAsync();
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Take the verdict back" }).ClickAsync();
        await Expect(page.GetByText("The verdict was taken back.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "This was mine" })).ToBeFocusedAsync();
        Assert.Null(await VerdictAsync(id));
    }

    [Fact]
    public async Task Another_payment_begins_at_its_top_and_its_amount_stays_beside_the_verdict()
    {
        IPage page = await OpenAsync(site.Server, $"#/anomalies?user_id={ManyAnomalies.User}", height: 500);
        await ChooseNewestAsync(page);
        await page.Locator(".detail canvas").WaitForAsync();
        ILocator panel = page.Locator(".detail");
        await panel.EvaluateAsync("one => one.scrollTop = one.scrollHeight");
        Assert.True(await panel.EvaluateAsync<bool>("one => one.scrollTop > 50"));

        // However far it is scrolled, amount, day and verdict are seen together.
        string inside = """
            one => ['.amount', 'time', 'button'].every(part => {
              const [box, place] = [one.querySelector(part).getBoundingClientRect(), one.getBoundingClientRect()];
              return box.top >= place.top && box.bottom <= place.bottom;
            })
            """;
        Assert.True(await panel.EvaluateAsync<bool>(inside));
        string first = (await page.Locator("tr[aria-selected=true]").GetAttributeAsync("id"))!;
        await page.Locator("tr.open a").Nth(1).ClickAsync();
        await Expect(page.Locator("tr[aria-selected=true]")).Not.ToHaveAttributeAsync("id", first);
        Assert.Equal(0, await panel.EvaluateAsync<int>("one => one.scrollTop"));
        Assert.True(await panel.EvaluateAsync<bool>(inside));
    }

    [Theory]
    [InlineData("en-GB")]
    [InlineData("en-US")]
    public async Task Every_column_of_the_list_is_seen_on_a_common_screen(string locale)
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000", locale: locale);
        await ChooseNewestAsync(page);
        await page.Keyboard.PressAsync("u");
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = "Not mine", Exact = true })).ToBeVisibleAsync();
        Assert.True(await page.Locator(".cases .scroll").EvaluateAsync<bool>("one => one.scrollWidth <= one.clientWidth"), "A column is cut off.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Take the verdict back" }).ClickAsync();
        await Expect(page.GetByText("The verdict was taken back.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task On_a_phone_the_list_comes_first_and_a_payment_when_it_is_tapped()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400", width: 360, height: 800);
        ILocator newest = page.Locator("tr.open").First;
        await newest.WaitForAsync();
        Assert.True(await newest.EvaluateAsync<bool>("one => one.getBoundingClientRect().bottom < innerHeight"), "The first payment is below the screen.");
        await Expect(newest.GetByRole(AriaRole.Cell)).ToHaveCountAsync(6);
        await Expect(page.GetByLabel("Amount at least")).ToBeHiddenAsync();
        await Expect(page.Locator(".detail")).ToBeHiddenAsync();
        Assert.True(await page.EvaluateAsync<bool>(
            "[...document.querySelectorAll('.top nav a')].every(one => one.getBoundingClientRect().right <= innerWidth)"), "The menu is cut off.");

        await newest.Locator("td").Nth(3).ClickAsync();
        await Expect(page.Locator(".amount")).ToBeInViewportAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Back to the list" }).ClickAsync();
        await Expect(page.Locator(".detail")).ToBeHiddenAsync();
        await page.GetByText("Filters, 1 set").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Yesterday" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("user_id=400&from=[0-9-]{10}&to=[0-9-]{10}$"));
        await Expect(page.Locator("tr.open").Filter(new() { HasText = "4,899.00" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Anomalies_are_filtered_by_verdict_and_detector_and_the_address_keeps_both()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000&verdict=none&detector=zscore");
        await Expect(page.GetByLabel("Verdict")).ToHaveValueAsync("none");
        await Expect(page.GetByLabel("Detector")).ToHaveValueAsync("zscore");
        await ChooseNewestAsync(page);
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4,899.00");
        await page.Keyboard.PressAsync("e");
        await Expect(page.GetByText("Recorded: mine.")).ToBeVisibleAsync();

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
        await ChooseNewestAsync(page);
        await page.GetByRole(AriaRole.Button, new() { Name = "Take the verdict back" }).ClickAsync();
        await Expect(page.GetByText("The verdict was taken back.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_list_is_walked_and_judged_by_keys_alone()
    {
        IPage page = await OpenAsync(site.Server, $"#/anomalies?user_id={ManyAnomalies.User}");
        ILocator selected = page.Locator("tr[aria-selected=true]");
        await page.Locator("tr.open").First.WaitForAsync();
        await Expect(selected).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("j");
        await Expect(selected).ToHaveCountAsync(1);
        string? first = await selected.GetAttributeAsync("id");

        await page.Keyboard.PressAsync("j");
        await Expect(selected).Not.ToHaveAttributeAsync("id", first!);
        string second = (await selected.GetAttributeAsync("id"))!;
        await page.Keyboard.PressAsync("u");
        await Expect(page.GetByText("Recorded: not mine.")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("k");
        await Expect(selected).ToHaveAttributeAsync("id", first!);
        await page.Keyboard.PressAsync("e");
        await Expect(page.GetByText("Recorded: mine.")).ToBeVisibleAsync();
        Assert.Equal(("unexpected", "expected"), (await VerdictAsync(second[4..]), await VerdictAsync(first![4..])));

        // Whoever dictates, or types elsewhere, can turn single letters off.
        await page.GetByRole(AriaRole.Button, new() { Name = "Shortcuts: on" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Shortcuts: off" })).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("j");
        await Expect(selected).ToHaveAttributeAsync("id", first);
    }

    [Fact]
    public async Task A_snooze_is_a_sensitivity_with_an_end_and_what_comes_meanwhile_is_listed_without_an_alert()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400&min_amount=1000");
        await ChooseNewestAsync(page);
        string id = (await page.Locator("tr[aria-selected=true]").GetAttributeAsync("id"))![4..];
        await page.GetByRole(AriaRole.Button, new() { Name = "Snooze …" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).Locator("select").SelectOptionAsync("7");

        // Whoever clicks twice has not said anything of what lies under the dialog.
        ILocator snooze = page.GetByRole(AriaRole.Button, new() { Name = "Snooze", Exact = true });
        await page.EvaluateAsync("document.querySelector('.judged button').addEventListener('click', () => { document.title = 'judged'; })");
        LocatorBoundingBoxResult box = (await snooze.BoundingBoxAsync())!;
        await page.EvaluateAsync(
            "([x, y]) => Object.assign(document.querySelector('.judged button').style, { position: 'fixed', left: `${x}px`, top: `${y}px`, zIndex: 9 })",
            new[] { box.X, box.Y });
        await snooze.DblClickAsync();

        ILocator holds = page.GetByText(new Regex("^No alerts until .* for user 400 in category 2310\\.$"));
        await Expect(holds).ToBeVisibleAsync();
        Assert.DoesNotContain("judged", await page.TitleAsync(), StringComparison.Ordinal);
        Assert.Null(await VerdictAsync(id));
        JsonElement set = (await site.Server.Http.GetFromJsonAsync<JsonElement>("api/sensitivity?user_id=400", Token)).GetProperty("sensitivity")
            .EnumerateArray().Single(one => one.GetProperty("category_id").GetInt32() == 2310);
        Assert.Equal("never", set.GetProperty("level").GetString());
        Assert.InRange(set.GetProperty("until").GetDateTime(), DateTime.UtcNow.AddDays(6), DateTime.UtcNow.AddDays(8));

        await Household.SubmitAsync(site.Server.Http, [Household.Line(400, 2310, 990, DateTime.UtcNow)], "snoozed", Token);
        await Household.ScoredAsync(site.Server.Http, Token);
        await page.GotoAsync($"{site.Server.Address}#/anomalies?user_id=400&category_id=2310");
        await ChooseNewestAsync(page);
        await Expect(page.GetByText("No alert, while it is snoozed")).ToBeVisibleAsync();

        // It is seen wherever somebody looks for it, and the dialog begins with it.
        await Expect(holds).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Snooze …" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("Now: no alerts until")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).Locator("select")).ToHaveValueAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await page.GotoAsync($"{site.Server.Address}#/person/400");
        await Expect(holds).ToBeVisibleAsync();
        await page.GotoAsync($"{site.Server.Address}#/notifications");
        await Expect(holds).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Lift" }).ClickAsync();
        await Expect(page.GetByText("Nobody's alerts are snoozed.")).ToBeVisibleAsync();
        Assert.Empty((await site.Server.Http.GetFromJsonAsync<JsonElement>("api/sensitivity?user_id=400", Token)).GetProperty("sensitivity").EnumerateArray());
    }

    [Fact]
    public async Task To_lift_a_snooze_leaves_the_setting_that_lasts()
    {
        await PutAsync("""[{"user_id":403,"category_id":1010,"level":"rarely"}]""");
        await PutAsync($$"""[{"user_id":403,"category_id":1010,"level":"never","until":"{{DateTime.UtcNow.AddDays(1):O}}"}]""");
        IPage page = await OpenAsync(site.Server, "#/person/403");
        await page.GetByRole(AriaRole.Button, new() { Name = "Lift" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Lift" })).ToHaveCountAsync(0);
        JsonElement left = (await site.Server.Http.GetFromJsonAsync<JsonElement>("api/sensitivity?user_id=403", Token)).GetProperty("sensitivity")
            .EnumerateArray().Single();
        Assert.Equal("rarely", left.GetProperty("level").GetString());
        Assert.False(left.TryGetProperty("until", out _));

        async Task PutAsync(string items)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, "api/sensitivity");
            request.Content = new StringContent(items, System.Text.Encoding.UTF8, "application/json");
            request.Headers.Add("Prefer", "wait=10");
            using HttpResponseMessage answer = await site.Server.Http.SendAsync(request, Token);
            Assert.Equal(System.Net.HttpStatusCode.NoContent, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_new_anomaly_says_so_by_itself()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=401");
        await page.Locator("tr.open").First.WaitForAsync();
        await Expect(page.GetByText("Live", new() { Exact = true })).ToBeVisibleAsync();
        await Household.SubmitAsync(site.Server.Http, [Household.Line(401, 1040, 6400, DateTime.UtcNow)], "new", Token);

        await page.GetByRole(AriaRole.Button, new() { Name = "1 new, show" }).ClickAsync();
        await Expect(page.Locator("tr.open").First).ToContainTextAsync("6,400.00");
        await ChooseNewestAsync(page);
        await Expect(page.Locator(".amount")).ToHaveTextAsync("6,400.00");
    }

    [Fact]
    public async Task A_hundred_thousand_anomalies_are_behind_the_list_and_it_opens_as_any_other()
    {
        IPage page = await OpenAsync(site.Server, $"#/anomalies?user_id={ManyAnomalies.User}");
        await Expect(page.GetByText("100 shown")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Show more" }).ClickAsync();
        await Expect(page.GetByText("200 shown")).ToBeVisibleAsync();
        await ChooseNewestAsync(page);
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
        await ChooseNewestAsync(page);
        await Expect(page.Locator(".amount")).ToHaveTextAsync("4.899,00");
    }

    private async Task<string?> VerdictAsync(string id) =>
        (await site.Server.Http.GetFromJsonAsync<JsonElement>($"api/transactions/{id}", Token)).TryGetProperty("feedback", out JsonElement verdict)
            ? verdict.GetString() : null;
}
