using System.Text.Json;
using FinanceIngest.Notifications;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Page;

/// <summary>
/// A server with keys, whose adaptive detector has learned one user's groceries and then met a strange payment; a webhook took its alert, and browsers can be
/// pushed to.
/// </summary>
public sealed class NotifiedSite : IAsyncLifetime
{
    public const string ReaderKey = "a reader's secret 1";
    public const string ManagerKey = "a manager's secret 1";
    public const string ChiefKey = "a chief's secret 12";
    public const long User = 512;
    public const double Strange = 2750;
    private readonly TemporaryFolder _folder = new();

    internal Server Server { get; private set; } = null!;

    internal Receiver Receiver { get; } = new();

    /// <summary>What the webhook was told of the strange payment.</summary>
    internal JsonElement Alert { get; private set; }

    public async ValueTask InitializeAsync()
    {
        VapidKeys keys = VapidKeys.Make();
        const string channels = "FinanceIngest__Notify__Channels__";
        Server = new Server(
            _folder.Path, ("FinanceIngest__Detection__Detector", "adaptive"),
            ("FinanceIngest__ApiKeys__reader__Secret", ReaderKey), ("FinanceIngest__ApiKeys__reader__Scopes", "read"),
            ("FinanceIngest__ApiKeys__manager__Secret", ManagerKey), ("FinanceIngest__ApiKeys__manager__Scopes", "read,submit,manage"),
            ("FinanceIngest__ApiKeys__chief__Secret", ChiefKey), ("FinanceIngest__ApiKeys__chief__Scopes", "read,submit,manage,admin"),
            ($"{channels}hook__Type", "webhook"), ($"{channels}hook__Url", Receiver.Address.ToString()),
            ($"{channels}hook__Secret", $"whsec_{Convert.ToBase64String(new byte[32])}"),
            ($"{channels}browsers__Type", "webpush"), ($"{channels}browsers__PublicKey", keys.PublicKey), ($"{channels}browsers__PrivateKey", keys.PrivateKey),
            ($"{channels}browsers__Contact", "mailto:operator@finance.example"));
        Server.Set("FinanceIngest__PublicUrl", Server.Address.GetLeftPart(UriPartial.Authority));
        if (Browser.Program is null)
        {
            return;
        }

        Receiver.Start();
        await Server.StartAsync();
        Server.Http.DefaultRequestHeaders.Add("x-functions-key", ChiefKey);
        await PayAsync(User, Strange);
        Alert = (await ReceivedAsync(1))[0].Body.GetProperty("data");
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Receiver.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A user's groceries of 150 days, and what was paid an hour ago.</summary>
    internal async Task PayAsync(long user, double last)
    {
        DateTime now = DateTime.UtcNow;
        string[] usual = [.. Enumerable.Range(1, 75).Select(i => Household.Line(user, 1010, 38 + (i * 7 % 23), now.AddDays(-150 + (2 * i) - 1)))];
        await Household.SubmitAsync(Server.Http, usual, $"usual-{user}", CancellationToken.None);
        await Household.ScoredAsync(Server.Http, CancellationToken.None);
        await Household.SubmitAsync(Server.Http, [Household.Line(user, 1010, last, now.AddHours(-1))], $"last-{user}", CancellationToken.None);
    }

    /// <summary>Waits for as many webhooks.</summary>
    internal async Task<IReadOnlyList<(string Id, JsonElement Body)>> ReceivedAsync(int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Receiver.Received.Count < count)
        {
            await Task.Delay(50, patience.Token);
        }

        return Receiver.Received;
    }
}
