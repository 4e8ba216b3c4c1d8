using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace FinanceIngest.Page;

/// <summary>A test in the browser. It fails on any message in the browser's console that it does not expect.</summary>
public abstract class PageTest(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _messages = [];
    private readonly List<IBrowserContext> _contexts = [];

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Messages that contain one of these are expected.</summary>
    private protected List<string> Expected { get; } = [];

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Browser.Program is null, "chromium is not installed: apt install chromium");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IBrowserContext context in _contexts)
        {
            await context.DisposeAsync();
        }

        GC.SuppressFinalize(this);
        Assert.DoesNotContain(_messages, message => !Expected.Exists(part => message.Contains(part, StringComparison.Ordinal)));
    }

    private protected async Task<IPage> OpenAsync(Server server, string hash = "", int width = 1280, int height = 900, bool dark = false,
        string locale = "en-GB", string query = "", bool isCalm = false, Func<IBrowserContext, Task>? before = null)
    {
        IBrowserContext context = await browser.Chromium.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            ReducedMotion = isCalm ? ReducedMotion.Reduce : ReducedMotion.NoPreference,
            Locale = locale,
            TimezoneId = "Europe/Berlin",
        });
        _contexts.Add(context);
        // On a busy machine a first answer takes long; none of these is a measure of speed.
        context.SetDefaultTimeout(30_000);
        context.SetDefaultNavigationTimeout(60_000);
        Assertions.SetDefaultExpectTimeout(30_000);
        if (before is not null)
        {
            await before(context);
        }

        IPage page = await context.NewPageAsync();
        page.Console += (_, message) => _messages.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => _messages.Add($"error: {error}");
        await page.GotoAsync($"{server.Address}{query}{hash}");
        return page;
    }

    private protected static async Task NoViolationAsync(IPage page, string where)
    {
        AxeResult result = await page.RunAxe(new AxeRunOptions
        {
            RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
        });
        Assert.True(
            result.Violations.Length == 0,
            $"{where}: {string.Join("; ", result.Violations.Select(violation => $"{violation.Id} ({violation.Help}) at {string.Join(", ",
                violation.Nodes.Select(node => node.Target))}"))}");
    }

    /// <summary>Chooses the newest anomaly of the list: nothing is chosen by itself.</summary>
    private protected static Task ChooseNewestAsync(IPage page) => page.Locator("tr.open a").First.ClickAsync();

    private protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    private protected static IPageAssertions Expect(IPage page) => Assertions.Expect(page);
}
