using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace FinanceIngest.Page;

/// <summary>What somebody does who is told of an anomaly, and who looks whether people were.</summary>
[Collection(SiteCollection.Name)]
public sealed class NotificationStories(NotifiedSite site, Browser browser) : PageTest(browser)
{
    // A browser's vendor has a push service, which a machine without the internet can't reach. This stands in for it; its subscription has real keys.
    private const string PushService =
        """
        window.asked = 0;
        const request = Notification.requestPermission.bind(Notification);
        Notification.requestPermission = () => { window.asked++; return request(); };
        let subscription = null;
        const text = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
        PushManager.prototype.getSubscription = async () => subscription;
        PushManager.prototype.subscribe = async options => {
          window.subscribedWith = { visible: options.userVisibleOnly, key: text(options.applicationServerKey) };
          const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
          const keys = { p256dh: text(await crypto.subtle.exportKey("raw", pair.publicKey)), auth: text(crypto.getRandomValues(new Uint8Array(16))) };
          const toJSON = () => ({ endpoint: "https://push.example/send/secret", keys });
          return subscription = { options, toJSON, unsubscribe: async () => { subscription = null; return true; } };
        };
        """;

    [Fact]
    public async Task The_link_of_an_alert_shows_that_payment_once_somebody_has_signed_in()
    {
        Expected.Add("status of 401");
        string link = site.Alert.GetProperty("link").GetString()!;
        string id = site.Alert.GetProperty("transaction_id").GetString()!;
        Assert.Equal($"{site.Server.Address}#/transactions/{id}", link);

        IPage page = await OpenAsync(site.Server, link[site.Server.Address.ToString().Length..]);
        await Expect(page.Locator(".amount")).ToHaveCountAsync(0);
        await SignInAsync(page, NotifiedSite.ManagerKey);

        await Expect(page).ToHaveURLAsync(link);
        await Expect(page.Locator(".amount")).ToHaveTextAsync("2,750.00");
        await Expect(page.GetByText(site.Alert.GetProperty("explanation").GetString()!)).ToBeVisibleAsync();
        await Expect(page.Locator(".detail canvas")).ToHaveCountAsync(1);
        await Expect(page.GetByText("adaptive/1")).ToBeVisibleAsync();
        await Expect(page.GetByText("Handed to the alert queue, for whoever sends it on")).ToBeVisibleAsync();
        await NoViolationAsync(page, "a payment");

        await page.Keyboard.PressAsync("u");
        await Expect(page.GetByText("Recorded: not mine.")).ToBeVisibleAsync();
        JsonElement result = await site.Server.Http.GetFromJsonAsync<JsonElement>($"api/transactions/{id}", Token);
        Assert.Equal("unexpected", result.GetProperty("feedback").GetString());
    }

    [Fact]
    public async Task A_link_that_leads_nowhere_says_so()
    {
        Expected.Add("status of 404");
        IPage page = await OpenAsync(site.Server, "#/transactions/01a204d7-059f-8d5a-a9c0-40695736d4e3");
        await SignInAsync(page, NotifiedSite.ReaderKey);
        await Expect(page.GetByText("There is no such payment here.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task What_the_adaptive_detector_found_is_told_in_its_sentence_and_a_verdict_is_learned()
    {
        long user = NotifiedSite.User + 1;
        await site.PayAsync(user, 3100);
        await Household.ScoredAsync(site.Server.Http, Token);
        IPage page = await OpenAsync(site.Server, $"#/anomalies?user_id={user}&detector=adaptive");
        await SignInAsync(page, NotifiedSite.ManagerKey);
        await ChooseNewestAsync(page);
        await Expect(page.Locator(".amount")).ToHaveTextAsync("3,100.00");
        string id = (await page.Locator("tr[aria-selected=true]").GetAttributeAsync("id"))![4..];
        JsonElement result = await site.Server.Http.GetFromJsonAsync<JsonElement>($"api/transactions/{id}", Token);
        await Expect(page.GetByText(result.GetProperty("explanation").GetString()!)).ToBeVisibleAsync();
        await Expect(page.GetByText(new Regex("^(less than )?once in [0-9,]+$"))).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "This was mine" }).ClickAsync();
        await Expect(page.GetByText("Recorded: mine. Others like it are quiet from now on.")).ToBeVisibleAsync();

        // The amount is the user's own from now on: another one like it is ordinary.
        await Household.SubmitAsync(site.Server.Http, [Household.Line(user, 1010, 3090, DateTime.UtcNow)], $"again-{user}", Token);
        await page.GotoAsync($"{site.Server.Address}#/person/{user}");
        ILocator newest = page.GetByRole(AriaRole.Table, new() { Name = "Payments, newest first" }).GetByRole(AriaRole.Row).Nth(1);
        await Expect(newest).ToContainTextAsync("3,090.00");
        await Expect(newest).ToContainTextAsync("Ordinary");
    }

    [Fact]
    public async Task Without_a_shadow_that_is_said()
    {
        IPage page = await OpenAsync(site.Server, $"#/detectors?user_id={NotifiedSite.User}");
        await SignInAsync(page, NotifiedSite.ReaderKey);
        await Expect(page.GetByText("No detector runs in shadow.")).ToBeVisibleAsync();
        await Expect(page.GetByText("among the latest 76 payments, by adaptive/1.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task What_was_given_up_is_seen_and_sent_again_under_its_id()
    {
        Expected.Add("status of 403");
        long user = NotifiedSite.User + 2;
        int before = site.Receiver.Received.Count;
        site.Receiver.Answer = HttpStatusCode.Gone;
        await site.PayAsync(user, 2900);
        string webhook = (await site.ReceivedAsync(before + 1))[^1].Id;
        site.Receiver.Answer = HttpStatusCode.NoContent;

        // What was told to whom is the operator's to know: a key with more rights is asked for.
        IPage page = await OpenAsync(site.Server, $"#/notifications?user_id={user}");
        await SignInAsync(page, NotifiedSite.ReaderKey);
        await page.GetByRole(AriaRole.Dialog).GetByLabel("Key").FillAsync(NotifiedSite.ChiefKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Use this key" }).ClickAsync();
        ILocator row = page.GetByRole(AriaRole.Table, new() { Name = "Notifications, newest first" }).GetByRole(AriaRole.Row).Nth(1);
        await Expect(row).ToContainTextAsync("hook");
        await Expect(row).ToContainTextAsync(site.Receiver.Address.ToString().TrimEnd('/'));
        await Expect(row).ToContainTextAsync("Given up");
        await Expect(row).ToContainTextAsync("410");
        await NoViolationAsync(page, "notifications");
        await page.SetViewportSizeAsync(320, 800);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));

        await row.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(page.GetByText("It was sent again.", new() { Exact = true })).ToBeVisibleAsync();
        await Expect(row).ToContainTextAsync("Sent");
        IReadOnlyList<(string Id, JsonElement Body)> received = await site.ReceivedAsync(before + 2);
        Assert.Equal((webhook, user), (received[^1].Id, received[^1].Body.GetProperty("data").GetProperty("user_id").GetInt64()));

        await page.GetByLabel("State").SelectOptionAsync("given_up");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("Nothing matches.")).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync(new Regex($"#/notifications\\?user_id={user}&state=given_up$"));
    }

    [Fact]
    public async Task A_browser_is_told_only_after_somebody_wants_it_and_shows_what_is_pushed()
    {
        long user = NotifiedSite.User + 3;
        IPage page = await OpenAsync(site.Server, "#/notifications", before: async context =>
        {
            await context.GrantPermissionsAsync(["notifications"]);
            await context.AddInitScriptAsync(PushService);
        });
        await SignInAsync(page, NotifiedSite.ChiefKey);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "The bell" })).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("asked"));
        Assert.Equal(0, await page.EvaluateAsync<int>("navigator.serviceWorker.getRegistrations().then(all => all.length)"));

        await page.Locator("section").Filter(new() { HasText = "The bell" }).GetByLabel("User").FillAsync($"{user}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Tell this browser" }).ClickAsync();
        await Expect(page.GetByText($"This browser is told of user {user} from now on.")).ToBeVisibleAsync();
        Assert.Equal(1, await page.EvaluateAsync<int>("asked"));
        Assert.Equal(await page.EvaluateAsync<string>("document.body.dataset.push"), await page.EvaluateAsync<string>("subscribedWith.key"));
        JsonElement address = Assert.Single((await site.Server.Http.GetFromJsonAsync<JsonElement>($"api/users/{user}/notification-destinations", Token))
            .GetProperty("destinations").EnumerateArray());
        Assert.Equal(("webpush", "https://push.example"), (address.GetProperty("type").GetString(), address.GetProperty("endpoint").GetString()));

        // The browser's own end: what a push service hands on is shown by the worker, which was installed by the button.
        ICDPSession devtools = await page.Context.NewCDPSessionAsync(page);
        var registration = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        devtools.Event("ServiceWorker.workerRegistrationUpdated").OnEvent += (_, message) =>
            registration.TrySetResult(message!.Value.GetProperty("registrations")[0].GetProperty("registrationId").GetString()!);
        await devtools.SendAsync("ServiceWorker.enable");
        await devtools.SendAsync("ServiceWorker.deliverPushMessage", new()
        {
            ["origin"] = site.Server.Address.GetLeftPart(UriPartial.Authority),
            ["registrationId"] = await registration.Task.WaitAsync(TimeSpan.FromSeconds(20), Token),
            ["data"] =
                """{"id": "1", "title": "An unusual payment", "body": "3,000.00 is much", "count": 1, "link": "https://finance.example/#/transactions/1"}""",
        });
        await page.WaitForFunctionAsync("navigator.serviceWorker.getRegistration().then(one => one.getNotifications()).then(all => all.length === 1)");
        Assert.Equal("An unusual payment|3,000.00 is much|https://finance.example/#/transactions/1", await page.EvaluateAsync<string>(
            "navigator.serviceWorker.getRegistration().then(one => one.getNotifications()).then(([one]) => [one.title, one.body, one.data.link].join('|'))"));

        await page.GetByRole(AriaRole.Button, new() { Name = "Stop here" }).ClickAsync();
        await Expect(page.GetByText("This browser is told nothing any more.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_browser_that_refuses_is_told_nothing()
    {
        IPage page = await OpenAsync(site.Server, "#/notifications");
        await SignInAsync(page, NotifiedSite.ChiefKey);
        await page.Locator("section").Filter(new() { HasText = "The bell" }).GetByLabel("User").FillAsync("1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Tell this browser" }).ClickAsync();
        await Expect(page.GetByText("Notifications of this page are turned off in the browser.")).ToBeVisibleAsync();
        JsonElement addresses = await site.Server.Http.GetFromJsonAsync<JsonElement>("api/users/1/notification-destinations", Token);
        Assert.Equal(0, addresses.GetProperty("destinations").GetArrayLength());
    }

    private async Task SignInAsync(IPage page, string key)
    {
        Expected.Add("status of 401");
        await page.GetByLabel("Key or token").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByLabel("Key or token")).ToHaveCountAsync(0);
    }
}
