using FinanceIngest.Tests.Support;

namespace FinanceIngest.Page;

/// <summary>A server without keys, with the payments of some households.</summary>
public sealed class Site : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal Server Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = new Server(_folder.Path);
        if (Browser.Program is null)
        {
            return;
        }

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
public sealed class SiteCollection : ICollectionFixture<Site>, ICollectionFixture<Browser>
{
    public const string Name = "site";
}
