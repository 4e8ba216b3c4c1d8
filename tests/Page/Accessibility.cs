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
        ("#/stuck", "text=Nothing is stuck."), ("#/try", ".drop"), ("#/detectors", ".empty"), ("#/runbook/financeingestpoison", "article h2"),
    ];

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
            await page.Locator(ready).First.WaitForAsync();
            await NoViolationAsync(page, $"{hash} at {width}{(dark ? ", dark" : "")}");
            Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), $"{hash} is wider than {width}.");
        }
    }

    [Fact]
    public async Task Everything_is_reached_by_the_keyboard_and_the_first_stop_skips_to_the_content()
    {
        IPage page = await OpenAsync(site.Server, "#/anomalies?user_id=400");
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
}
