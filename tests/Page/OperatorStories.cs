using System.Globalization;
using FinanceIngest.Tests.Support;
using Microsoft.Playwright;

namespace FinanceIngest.Page;

/// <summary>What somebody does who keeps the installation running.</summary>
[Collection(SiteCollection.Name)]
public sealed class OperatorStories(Site site, Browser browser) : PageTest(browser)
{
    [Fact]
    public async Task The_state_is_seen_at_one_glance_and_follows_what_happens_without_a_reload()
    {
        IPage page = await OpenAsync(site.Server);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "All is well" })).ToBeVisibleAsync();
        await Expect(page.GetByText("Live", new() { Exact = true })).ToBeVisibleAsync();

        await Household.SubmitAsync(site.Server.Http, [.. Enumerable.Range(0, 600).Select(i => Household.Line(9001, 7, i + 1, DateTime.UtcNow))], "glance",
            Token);

        await Expect(Tile(page, "Accepted")).Not.ToHaveTextAsync("0/s");
        await Expect(page.Locator(".plot canvas")).ToHaveCountAsync(3);
    }

    [Fact]
    public async Task A_server_that_is_gone_is_shown_as_gone_and_a_server_that_is_back_as_live()
    {
        Expected.Add("net::ERR_");
        using var folder = new TemporaryFolder();
        await using var server = new Server(folder.Path);
        await server.StartAsync();
        IPage page = await OpenAsync(server);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "All is well" })).ToBeVisibleAsync();

        await server.KillAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "The server does not answer" })).ToBeVisibleAsync();
        await Expect(page.GetByText("is not true any more")).ToBeVisibleAsync();
        await Expect(page.Locator(".is-old")).ToHaveCountAsync(1);

        await server.StartAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "All is well" })).ToBeVisibleAsync();
        await Expect(page.Locator(".is-old")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_key_is_asked_for_kept_for_the_tab_and_never_in_an_address()
    {
        Expected.Add("status of 401");
        Expected.Add("status of 403");
        using var folder = new TemporaryFolder();
        await using var server = new Server(
            folder.Path, ("FinanceIngest__ApiKeys__reader__Secret", "a reader's secret"), ("FinanceIngest__ApiKeys__reader__Scopes", "read"),
            ("FinanceIngest__ApiKeys__chief__Secret", "a chief's secret 1"), ("FinanceIngest__ApiKeys__chief__Scopes", "read,admin"));
        await server.StartAsync();
        IPage page = await OpenAsync(server, query: "?code=old-bookmark");
        var asked = new List<string>();
        page.Request += (_, request) => asked.Add(request.Url);

        Assert.DoesNotContain("code=", page.Url, StringComparison.Ordinal);
        await page.GetByLabel("Key or token").FillAsync("a wrong secret");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The key is not known.");
        await page.GetByLabel("Key or token").FillAsync("a reader's secret");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "All is well" })).ToBeVisibleAsync();

        // What needs more rights asks for a key that has them, when it is needed.
        await page.GetByRole(AriaRole.Link, new() { Name = "What is stuck" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByLabel("Key").FillAsync("a chief's secret 1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Use this key" }).ClickAsync();
        await Expect(page.GetByText("Nothing is stuck.")).ToBeVisibleAsync();

        await page.ReloadAsync();
        await Expect(page.GetByText("Nothing is stuck.")).ToBeVisibleAsync();
        Assert.DoesNotContain(asked, url => url.Contains("secret", StringComparison.Ordinal));
        Assert.Equal(0, await page.EvaluateAsync<int>("localStorage.length"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.GetByLabel("Key or token")).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("sessionStorage.length"));
    }

    [Fact]
    public async Task What_is_stuck_is_read_put_back_and_followed_and_dropped_only_after_a_question()
    {
        using var folder = new TemporaryFolder();
        await using var server = new Server(folder.Path);
        await server.StartAsync();
        await GivenUp.LeaveAsync(folder.Path, Token);
        IPage page = await OpenAsync(server);

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Something deserves a look" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Given up: messages, to be read" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "What to do" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "A message was given up", Exact = true })).ToBeVisibleAsync();
        string[] steps = [.. await page.Locator("article li strong").AllTextContentsAsync()];
        Assert.Equal(["Means", "Do", "Look at", "Command"], steps);
        await page.GetByRole(AriaRole.Link, new() { Name = "Read why, put it back or drop it here" }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{server.Address}#/stuck");
        await page.GoBackAsync();
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Open What is stuck" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = GivenUp.Unreadable })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Row).Filter(new() { HasText = "message-0532" }).GetByRole(AriaRole.Button, new() { Name = "Show text" }).ClickAsync();
        await Expect(page.Locator("pre.raw").First).ToContainTextAsync("\"user_id\": 400");

        await page.GetByRole(AriaRole.Button, new() { Name = "Hide text" }).ClickAsync();
        await Expect(page.Locator("pre.raw")).ToHaveCountAsync(0);

        await page.GetByLabel("Choose message message-0532").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Put back" }).ClickAsync();
        await Expect(page.GetByText("1 of 1 transactions are scored.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "48.25 of user 400 in category 1010" })).ToBeVisibleAsync();

        await page.GetByLabel("Choose message message-0417").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Drop …" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = GivenUp.Unreadable })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Drop …" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Drop for good" }).ClickAsync();
        await Expect(page.GetByText("Nothing is stuck.")).ToBeVisibleAsync();
        await Expect(page.Locator("#main").GetByText("Dropped: 1.")).ToBeVisibleAsync();
        await Expect(page.GetByText("1 of 1 transactions are scored.")).ToBeVisibleAsync();
        await page.CloseAsync();
    }

    [Fact]
    public async Task One_payment_is_seen_on_its_way()
    {
        IPage page = await OpenAsync(site.Server, "#/try");
        await Expect(page.GetByLabel("Amount", new() { Exact = true }).First).ToHaveValueAsync("");
        await page.GetByLabel("User", new() { Exact = true }).First.FillAsync("402");
        await page.GetByLabel("Category", new() { Exact = true }).First.FillAsync("1010");
        await page.GetByLabel("Amount", new() { Exact = true }).First.FillAsync("5200");
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit", Exact = true }).ClickAsync();

        await Expect(page.Locator(".way li[data-is=done]")).ToHaveCountAsync(4);
        await Expect(page.GetByText("standard deviations above the usual")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_banks_export_is_judged_with_its_bad_lines_named()
    {
        IPage page = await OpenAsync(site.Server, "#/try");
        string lines = string.Join('\n', Enumerable.Range(1, 28).Select(day => $"{day:00}.10.2026;Supermarkt;\"-{40 + day},50\";EUR"));
        await page.GetByLabel("Choose a file").SetInputFilesAsync(new FilePayload
        {
            Name = "umsaetze.csv",
            MimeType = "text/csv",
            Buffer = System.Text.Encoding.UTF8.GetBytes(
                $"Buchungstag;Kategorie;Betrag;Währung\n{lines}\n31.11.2026;Supermarkt;-12,00;EUR\n02.11.2026;Kino;zwölf;EUR\n"),
        });
        await Expect(page.GetByText("28 payments, 2 lines can't be read")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit them" }).ClickAsync();

        await Expect(page.GetByText("Done: 28 payments submitted, 0 out of the ordinary.")).ToBeVisibleAsync();
        await Expect(page.GetByText("Line 30: “31.11.2026” is no day")).ToBeVisibleAsync();
        await Expect(page.GetByText("Line 31: “zwölf” is no amount")).ToBeVisibleAsync();
        await Expect(page.GetByText("nothing is known to compare with")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_first_view_is_light_and_does_not_move()
    {
        IPage page = await OpenAsync(site.Server);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "All is well" })).ToBeVisibleAsync();
        await Expect(page.Locator(".plot canvas")).ToHaveCountAsync(3);
        await page.WaitForFunctionAsync("performance.getEntriesByName('first-contentful-paint').length === 1");
        double[] paints = await page.EvaluateAsync<double[]>(
            "['first-paint', 'first-contentful-paint'].map(name => performance.getEntriesByName(name)[0].startTime)");
        string[] files = await page.EvaluateAsync<string[]>(
            "performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.includes('/api/'))");
        Assert.All(files, url => Assert.StartsWith(site.Server.Address.ToString(), url, StringComparison.Ordinal));

        // As the server sends them, to browsers that take brotli and to those that take gzip alone.
        long brotli = 0, gzip = 0;
        foreach (string url in files.Append(site.Server.Address.ToString()))
        {
            brotli += await LengthAsync(url, "br");
            gzip += await LengthAsync(url, "gzip");
        }

        CultureInfo plain = CultureInfo.InvariantCulture;
        TestContext.Current.TestOutputHelper!.WriteLine(
            string.Create(plain, $"first view: {files.Length + 1} files, {brotli:N0} bytes with brotli, {gzip:N0} with gzip; ")
            + string.Create(plain, $"first paint after {paints[0]:0} ms, of content after {paints[1]:0} ms"));
        Assert.InRange(brotli, 20_000, 150_000);
        Assert.InRange(gzip, brotli, 150_000);
        Assert.True(files.Length > 15, string.Join('\n', files));

        string[] shifts = await page.EvaluateAsync<string[]>(
            """
            new Promise(done => {
              const all = [];
              new PerformanceObserver(list => list.getEntries().forEach(e => all.push(`${e.value} ${e.sources.map(s =>
                  `${s.node?.nodeName}.${s.node?.className} ${s.previousRect.top}>${s.currentRect.top} ${s.previousRect.height}>${s.currentRect.height}`)}`)))
                .observe({ type: 'layout-shift', buffered: true });
              setTimeout(() => done(all), 300);
            })
            """);
        Assert.Empty(shifts);

        async Task<long> LengthAsync(string url, string encoding)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.Add("Accept-Encoding", encoding);
            using HttpResponseMessage answer = await site.Server.Http.SendAsync(request, Token);
            Assert.Equal([encoding], answer.Content.Headers.ContentEncoding);
            return (await answer.Content.ReadAsByteArrayAsync(Token)).Length;
        }
    }

    private static ILocator Tile(IPage page, string name) => page.Locator(".tile").Filter(new()
    {
        Has = page.GetByText(name,
        new() { Exact = true })
    }).Locator(".value");
}
