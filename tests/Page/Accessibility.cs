using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace FinanceIngest.Page;

/// <summary>Every page in light and dark, on a wide and on a narrow screen, by axe's rules of WCAG 2.2 AA.</summary>
[Collection(SiteCollection.Name)]
public sealed class Accessibility(Site site, Browser browser) : PageTest(browser)
{
    private static readonly (string Hash, string Ready)[] s_pages =
    [
        ("#/now", ".state[data-level=good] >> text=All is well"), ("#/anomalies?user_id=400", ".detail canvas"), ("#/person", ".empty"), ("#/person/400",
            ".plot canvas"),
        ("#/stuck", "text=Nothing is stuck."), ("#/try", ".drop"), ("#/detectors?user_id=400", ".tiles"), ("#/runbook/financeingestpoison", "article h2"),
        ("#/notifications", "text=Nothing was told yet."),
    ];

    // The picture of an anomaly is there when one was chosen.
    private static async Task ReadyAsync(IPage page, string ready)
    {
        if (ready == ".detail canvas")
        {
            await ChooseNewestAsync(page);
        }

        await page.Locator(ready).First.WaitForAsync();
    }

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(320, false)]
    [InlineData(2560, false)]
    public async Task No_rule_is_violated_and_nothing_is_wider_than_the_screen(int width, bool dark)
    {
        IPage page = await OpenAsync(site.Server, width: width, dark: dark);
        foreach ((string hash, string ready) in s_pages)
        {
            await page.GotoAsync($"{site.Server.Address}{hash}");
            await ReadyAsync(page, ready);
            await NoViolationAsync(page, $"{hash} at {width}{(dark ? ", dark" : "")}");
            Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), $"{hash} is wider than {width}.");
        }
    }

    [Fact]
    public async Task Everything_is_reached_by_the_keyboard_and_the_first_stop_skips_to_the_content()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400");
        await ReadyAsync(page, ".detail canvas");
        await page.ReloadAsync();
        await page.Locator(".detail canvas").WaitForAsync();
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByText("Skip to the content")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#main")).ToBeFocusedAsync();
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("#/anomalies"));
        for (int i = 0; i < 60 && !await page.GetByRole(AriaRole.Button,
            new() { Name = "This was mine" }).EvaluateAsync<bool>("one => one === document.activeElement"); i++)
        {
            await page.Keyboard.PressAsync("Tab");
        }

        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "This was mine" })).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_case_is_found_and_judged_by_somebody_who_has_only_a_keyboard()
    {
        IPage page = await OpenAsync(site.Server);
        await GoToAsync("Anomalies");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(new Regex("#/anomalies$"));
        await Expect(page.Locator("#main")).ToBeFocusedAsync();
        await GoToAsync("User");
        await page.Keyboard.TypeAsync("400");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(new Regex(@"\?user_id=400$"));
        await Expect(page.Locator("tr.open a").First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("?");
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("this was not mine")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("j");
        await Expect(page.Locator("tr[aria-selected=true]")).ToHaveCountAsync(1);

        await GoToAsync("Snooze …");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Dialog).Locator("select")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Snooze …" })).ToBeFocusedAsync();

        await page.Keyboard.PressAsync("e");
        await Expect(page.GetByText("Recorded: mine.")).ToBeVisibleAsync();
        await GoToAsync("Take the verdict back");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByText("The verdict was taken back.")).ToBeVisibleAsync();

        // Whoever presses Tab sees where he is: each stop has an outline.
        async Task GoToAsync(string name)
        {
            for (int i = 0; i < 80; i++)
            {
                await page.Keyboard.PressAsync("Tab");
                string[] stop = await page.EvaluateAsync<string[]>(
                    "(one => [one.labels?.[0]?.firstChild?.textContent ?? one.textContent, getComputedStyle(one).outlineStyle])(document.activeElement)");
                bool isPage = await page.EvaluateAsync<bool>("document.activeElement !== document.body");
                Assert.True(!isPage || stop[1] != "none", $"{stop[0]} shows no outline.");
                if (stop[0] == name)
                {
                    return;
                }
            }

            Assert.Fail($"{name} is not reached.");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_moves_for_whoever_wants_less_motion(bool isCalm)
    {
        IPage page = await OpenAsync(site.Server, "#/try", isCalm: isCalm);
        await page.Locator(".way li").First.WaitForAsync();
        int moving = await page.EvaluateAsync<int>(
            """
            [...document.querySelectorAll('*')].map(one => getComputedStyle(one)).filter(style =>
              style.transitionDuration.split(', ').some(time => time !== '0s') || style.animationName !== 'none' || style.scrollBehavior === 'smooth').length
            """);
        Assert.Equal(isCalm, moving == 0);
    }

    [Theory]
    [InlineData("#/anomalies?user_id=400", ".detail canvas", "Anomalies, newest first")]
    [InlineData("#/person/400", ".plot canvas", "Categories of 12 months")]
    public async Task On_paper_the_figures_are_dark_on_white_and_nothing_is_left_to_press(string hash, string ready, string table)
    {
        IPage page = await OpenAsync(site.Server, hash, width: 760, dark: true);
        await ReadyAsync(page, ready);
        await page.EmulateMediaAsync(new() { Media = Media.Print });

        Assert.Equal("rgb(255, 255, 255)", await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.Equal("rgb(24, 33, 47)", await page.EvaluateAsync<string>("getComputedStyle(document.body).color"));
        await Expect(page.GetByRole(AriaRole.Table, new() { Name = table })).ToBeVisibleAsync();
        await Expect(page.Locator(ready).First).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>(
            "[...document.querySelectorAll('nav, button, input, select')].filter(one => one.getClientRects().length > 0).length"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), "It is wider than the paper.");
        Assert.Equal("static", await page.Locator(".card").Last.EvaluateAsync<string>("one => getComputedStyle(one).position"));

        // Charts are drawn, not styled: they take the colours of paper too.
        Assert.True(await page.Locator(ready).First.EvaluateAsync<bool>(
            """
            canvas => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
              const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              let accent = 0;
              for (let at = 0; at < data.length; at += 4) if (data[at] === 29 && data[at + 1] === 78 && data[at + 2] === 216 && data[at + 3] === 255) accent++;
              done(accent > 20);
            })))
            """), "The chart keeps the colours of the dark screen.");
    }
}
