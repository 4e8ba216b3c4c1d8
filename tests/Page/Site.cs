using FinanceIngest.Tests.Support;

namespace FinanceIngest.Page;

/// <summary>
/// A server without keys, with the payments of some households and one user who has 100,000 anomalies. It judges with zscore, and the adaptive detector learns
/// in its shadow.
/// </summary>
public sealed class Site : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal Server Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = new Server(_folder.Path, ("FinanceIngest__Detection__Shadow", "adaptive"));
        if (Browser.Program is null)
        {
            return;
        }

        await ManyAnomalies.WriteAsync(_folder.Path, CancellationToken.None);
        await Server.StartAsync();
        await Household.FillAsync(Server.Http, users: 12, CancellationToken.None);
        await Household.ScoredAsync(Server.Http, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class SiteCollection : ICollectionFixture<Site>, ICollectionFixture<NotifiedSite>, ICollectionFixture<Browser>
{
    public const string Name = "site";
}
