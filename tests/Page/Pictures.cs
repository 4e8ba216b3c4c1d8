using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Notifications;
using FinanceIngest.Tests.Support;
using Microsoft.Playwright;

namespace FinanceIngest.Page;

/// <summary>
/// Takes the pictures of docs/images, with a server under load, where FINANCE_PAGE_PICTURES names the folder that they go to: tools/page-pictures does
/// that. It is
/// no check.
/// </summary>
public sealed class Pictures(Browser browser) : PageTest(browser), IClassFixture<Browser>
{
    [Fact]
    public async Task Pictures_are_taken_for_the_documentation()
    {
        string? folder = Environment.GetEnvironmentVariable("FINANCE_PAGE_PICTURES");
        Assert.SkipWhen(folder is null, "FINANCE_PAGE_PICTURES is not set; tools/page-pictures sets it.");
        Expected.Add("net::ERR_");
        using var data = new TemporaryFolder();
        await using var receiver = new Receiver();
        receiver.Start();
        VapidKeys keys = VapidKeys.Make();
        const string channels = "FinanceIngest__Notify__Channels__";
        await using var server = new Server(
            data.Path, ("FinanceIngest__Detection__Shadow", "adaptive"),
            ($"{channels}bookkeeping__Type", "webhook"), ($"{channels}bookkeeping__Url", receiver.Address.ToString()),
            ($"{channels}bookkeeping__Secret", $"whsec_{Convert.ToBase64String(new byte[32])}"),
            ($"{channels}family__Type", "smtp"), ($"{channels}family__Host", "127.0.0.1"), ($"{channels}family__Port", "9"),
            ($"{channels}family__From", "alerts@home.example"), ($"{channels}family__To", "family@home.example"), ($"{channels}family__Security", "none"),
            ($"{channels}browsers__Type", "webpush"), ($"{channels}browsers__PublicKey", keys.PublicKey), ($"{channels}browsers__PrivateKey", keys.PrivateKey),
            ($"{channels}browsers__Contact", "mailto:operator@finance.example"));
        await server.StartAsync();
        await Household.FillAsync(server.Http, users: 24, Token);
        await Household.ScoredAsync(server.Http, Token);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task load = LoadAsync(server.Http, stop.Token);
        await Task.Delay(TimeSpan.FromSeconds(Seconds), Token);

        await TakeAsync(server, "page-now", "#/now", ".plot canvas >> nth=2");
        await TakeAsync(server, "page-now-dark", "#/now", ".plot canvas >> nth=2", dark: true);
        await TakeAsync(server, "page-anomalies", "#/anomalies?user_id=400", ".detail canvas");
        await TakeAsync(server, "page-anomalies-narrow", "#/anomalies?user_id=400", ".detail canvas", width: 390, height: 1400);
        await TakeAsync(server, "page-anomalies-dark", "#/anomalies", ".detail canvas", dark: true);
        await TakeAsync(server, "page-person", "#/person/400", "text=Ordinary >> nth=3", height: 1500);
        await TakeAsync(server, "page-person-narrow", "#/person/400", "text=Ordinary >> nth=3", width: 320, height: 1500);
        await TakeAsync(server, "page-now-wide", "#/now", ".plot canvas >> nth=2", width: 2560, height: 1300);
        await TakeAsync(server, "page-detectors", "#/detectors?user_id=400", ".tiles", height: 900);
        string id = (await server.Http.GetFromJsonAsync<JsonElement>("api/anomalies?user_id=400&min_amount=1000", Token)).GetProperty("anomalies")[0]
            .GetProperty("id").GetString()!;
        await TakeAsync(server, "page-payment", $"#/transactions/{id}", ".detail canvas");
        receiver.Answer = HttpStatusCode.Gone;
        await Household.SubmitAsync(server.Http, [Household.Line(412, 2310, 1890, DateTime.UtcNow)], "gone", Token);
        await Task.Delay(TimeSpan.FromSeconds(5), Token);
        await TakeAsync(server, "page-notifications", "#/notifications", ".chip.bad");
        await TakeAsync(server, "page-notifications-narrow", "#/notifications", ".chip.bad", width: 320, height: 1400);
        await TakeAsync(server, "page-try", "#/try", ".drop", before: async page =>
        {
            await page.GetByLabel("User", new() { Exact = true }).First.FillAsync("400");
            await page.GetByLabel("Category", new() { Exact = true }).First.FillAsync("1010");
            await page.GetByLabel("Amount", new() { Exact = true }).First.FillAsync("520");
            await page.GetByRole(AriaRole.Button, new() { Name = "Submit", Exact = true }).ClickAsync();
            await Expect(page.Locator(".way li[data-is=done]")).ToHaveCountAsync(4);
            await page.GetByLabel("Choose a file").SetInputFilesAsync(new FilePayload { Name = "umsaetze.csv", MimeType = "text/csv", Buffer = Export() });
            await page.GetByLabel("User, where no column").FillAsync("400");
            await page.Locator("select[name=category]").SelectOptionAsync("1");
            await page.GetByRole(AriaRole.Button, new() { Name = "Submit them" }).ClickAsync();
            await Expect(page.GetByText("Done:")).ToBeVisibleAsync();
        }, height: 1300);
        await stop.CancelAsync();
        await load;
        await GivenUp.LeaveAsync(data.Path, Token);
        await TakeAsync(server, "page-stuck", "#/stuck", "text=message-0532", height: 700);
        await TakeAsync(server, "page-now-look", "#/now", "text=Something deserves a look", height: 700);
        await TakeAsync(server, "page-runbook", "#/runbook/financeingestpoison", "article h2", height: 600);
        await TakeAsync(server, "page-now-gone", "#/now", ".plot canvas >> nth=2", before: async page =>
        {
            await server.KillAsync();
            await Expect(page.GetByText("The server does not answer")).ToBeVisibleAsync();
        });
        await server.StartAsync();
        await TakeAsync(server, "page-error", "#/now", "text=Something deserves a look", height: 700, before: async page =>
        {
            await server.KillAsync();
            await page.GetByRole(AriaRole.Link, new() { Name = "Anomalies", Exact = true }).ClickAsync();
            await page.Locator(".notice.bad").First.WaitForAsync();
        });

        async Task TakeAsync(Server from, string name, string hash, string ready, int width = 1280, int height = 960, bool dark = false, Func<IPage,
            Task>? before = null)
        {
            IPage page = await OpenAsync(from, hash, width, height, dark);
            if (hash.StartsWith("#/anomalies", StringComparison.Ordinal))
            {
                await ChooseNewestAsync(page);
            }

            await page.Locator(ready).First.WaitForAsync();
            if (before is not null)
            {
                await before(page);
            }

            await page.WaitForTimeoutAsync(600);
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png"), Animations = ScreenshotAnimations.Disabled });
            await page.CloseAsync();
        }
    }

    private static int Seconds => int.Parse(Environment.GetEnvironmentVariable("FINANCE_PAGE_PICTURES_SECONDS") ?? "90", CultureInfo.InvariantCulture);

    // Payments as they come in over the day: some tens a second, with waves.
    private static async Task LoadAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var random = new Random(7);
        try
        {
            for (int i = 0; ; i++)
            {
                int count = 20 + (int)(15 * Math.Sin(i / 9.0)) + random.Next(12);
                await Household.SubmitAsync(http, [.. Enumerable.Range(0, count).Select(_ => Household.Line(5000 + random.Next(400), 1010,
                    20 + random.Next(90), DateTime.UtcNow))], $"load-{i}", cancellationToken);
                await Task.Delay(500, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The pictures are taken.
        }
    }

    private static byte[] Export()
    {
        var random = new Random(3);
        IEnumerable<string> lines = Enumerable.Range(1, 27).Select(day =>
            $"{day:00}.10.2026;1010;\"{(30 + (60 * random.NextDouble())).ToString("0.00", CultureInfo.GetCultureInfo("de-DE"))}\";REWE Markt");
        string bad = "31.11.2026;1010;12,00;Kiosk\n30.10.2026;1010;zwölf;Kiosk\n";
        return System.Text.Encoding.UTF8.GetBytes(
            $"Buchungstag;Kategorie;Betrag;Empfänger\n{string.Join('\n', lines)}\n28.10.2026;1010;\"612,40\";REWE Markt\n{bad}");
    }
}
