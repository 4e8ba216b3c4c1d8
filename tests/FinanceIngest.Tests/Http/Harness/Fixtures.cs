using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>
/// The head under test: the one at FINANCE_TEST_BASE_URL (keys in FINANCE_TEST_KEY and FINANCE_TEST_ADMIN_KEY; FINANCE_TEST_HEAD=function
/// where the platform answers some things itself), or else a server of its own.
/// </summary>
public sealed class HeadFixture : IAsyncLifetime
{
    private OwnServer? _server;

    /// <summary>Whether the head is a function app.</summary>
    public static bool IsFunction { get; } = Environment.GetEnvironmentVariable("FINANCE_TEST_HEAD") == "function";

    /// <summary>A client that may submit and read.</summary>
    public ApiClient Client { get; private set; } = null!;

    /// <summary>A client that may change baselines.</summary>
    public ApiClient Admin { get; private set; } = null!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("FINANCE_TEST_BASE_URL") is { Length: > 0 } url)
        {
            Client = new ApiClient(new Uri(url), Environment.GetEnvironmentVariable("FINANCE_TEST_KEY"), IsFunction);
            Admin = Client.WithKey(Environment.GetEnvironmentVariable("FINANCE_TEST_ADMIN_KEY"));
            return;
        }

        _server = new OwnServer();
        await _server.InitializeAsync();
        Client = _server.Client;
        Admin = _server.Admin;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>The tests that share one head; they run one after another.</summary>
[CollectionDefinition(Name)]
[Needs(Outside.Program)]
public sealed class HeadCollection : ICollectionFixture<HeadFixture>
{
    public const string Name = "HTTP head";
}

/// <summary>A server with settings of its own, whatever head the other tests run against.</summary>
public abstract class ServerFixture(params IEnumerable<(string Name, string Value)> settings) : IAsyncLifetime
{
    /// <summary>From which the ids are certified, so that a test can make ids of this installation.</summary>
    public const string SigningKey = "test-signing-key";

    /// <summary>Secret of the application's key, with the scopes submit and read.</summary>
    public const string Key = "test-key-of-the-application";

    /// <summary>Secret of the administrator's key, with the scope admin alone.</summary>
    public const string AdminKey = "test-key-of-the-administrator";

    private readonly TemporaryFolder _folder = new();
    private ProgramProcess? _process;

    /// <summary>Settings that give both their keys.</summary>
    public static IEnumerable<(string Name, string Value)> Keys { get; } =
    [
        ("FinanceIngest__ApiKeys__application__Secret", Key),
        ("FinanceIngest__ApiKeys__administrator__Secret", AdminKey),
        ("FinanceIngest__ApiKeys__administrator__Scopes", "admin"),
    ];

    /// <summary>A client with the application's key.</summary>
    public ApiClient Client { get; private set; } = null!;

    /// <summary>A client with the administrator's key.</summary>
    public ApiClient Admin => Client.WithKey(AdminKey);

    /// <summary>Where it listens.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>The server's data directory.</summary>
    public string DataDirectory => _folder.Path;

    /// <summary>What the server has logged so far.</summary>
    public string Log => _process!.Log;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Prepare();
        _process = ProgramProcess.StartServer("IngestServer", DataDirectory, [("FinanceIngest__IdSigningKey", SigningKey), .. settings]);
        Address = await _process.AddressAsync();
        Client = new ApiClient(Address, Key);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _process!.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);

        AssertNoRequestFailed();
    }

    /// <summary>Whatever the tests sent, none of it may have been an error of the server's.</summary>
    public void AssertNoRequestFailed()
    {
        Assert.DoesNotContain("request failed unexpectedly", Log, StringComparison.Ordinal);
        Assert.DoesNotContain("unhandled exception", Log, StringComparison.Ordinal);
    }

    /// <summary>Runs before the start.</summary>
    protected virtual void Prepare()
    {
    }
}

/// <summary>The whole system, with its data directory within the test's reach.</summary>
public sealed class OwnServer() : ServerFixture(Keys);

/// <summary>Nobody scores: what is accepted stays pending.</summary>
public sealed class IntakeOnlyServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake")]);

/// <summary>No keys: open to this machine.</summary>
public sealed class OpenServer() : ServerFixture();

/// <summary>Three requests per key and minute.</summary>
public sealed class RateLimitedServer() : ServerFixture([.. Keys, ("FinanceIngest__RateLimit__PerMinute", "3")]);

/// <summary>Nobody scores, and requests may hold as little as they may be set to.</summary>
public sealed class SmallServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake"), ("FinanceIngest__Intake__MaximumBytesInFlight", "33554432")]);

/// <summary>Ten connections at once.</summary>
public sealed class TenConnectionsServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake"), ("FinanceIngest__Intake__MaximumConnections", "10")]);

/// <summary>A folder stands where the database's file should be: it can't be used.</summary>
public class BrokenDatabaseServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake")])
{
    /// <inheritdoc/>
    protected override void Prepare() => Directory.CreateDirectory(Path.Combine(DataDirectory, "finance-ingest.db"));
}

/// <summary>Neither the database nor the inbound queue can be used.</summary>
public sealed class BrokenStorageServer : BrokenDatabaseServer
{
    /// <inheritdoc/>
    protected override void Prepare()
    {
        base.Prepare();
        Directory.CreateDirectory(Path.Combine(DataDirectory, "queue-transactions-inbound.db"));
    }
}
