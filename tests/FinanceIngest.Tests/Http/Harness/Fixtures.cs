using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>An IngestServer with its own settings, for tests of this program alone.</summary>
public abstract class ServerFixture(params IEnumerable<(string Name, string Value)> settings) : IAsyncLifetime
{
    /// <summary>The signing key of the server's ids, so that a test can make ids that the server accepts.</summary>
    public const string SigningKey = "test-signing-key";

    /// <summary>The secret of the application's key, which has the scopes submit and read.</summary>
    public const string Key = "test-key-of-the-application";

    /// <summary>The secret of the administrator's key, which has only the scope admin.</summary>
    public const string AdminKey = "test-key-of-the-administrator";

    private readonly TemporaryFolder _folder = new();
    private ProgramProcess? _process;

    /// <summary>The secret of a key with every scope.</summary>
    public const string ManagerKey = "test-key-of-a-manager";

    /// <summary>The settings that define the keys.</summary>
    public static IEnumerable<(string Name, string Value)> Keys { get; } =
    [
        ("FinanceIngest__ApiKeys__application__Secret", Key),
        ("FinanceIngest__ApiKeys__administrator__Secret", AdminKey),
        ("FinanceIngest__ApiKeys__administrator__Scopes", "admin"),
        ("FinanceIngest__ApiKeys__manager__Secret", ManagerKey),
        ("FinanceIngest__ApiKeys__manager__Scopes", "submit,read,manage,admin"),
    ];

    /// <summary>A client with the application's key.</summary>
    public ApiClient Client { get; private set; } = null!;

    /// <summary>A client with the administrator's key.</summary>
    public ApiClient Admin => Client.WithKey(AdminKey);

    /// <summary>The address at which the server listens.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>The server's data directory.</summary>
    public string DataDirectory => _folder.Path;

    /// <summary>The server's log so far.</summary>
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

    /// <summary>Asserts that the server logged no failure of its own, whatever the tests sent.</summary>
    public void AssertNoRequestFailed() => AssertNoRequestFailed(Log);

    /// <summary>Asserts that a program's log holds no failure of the program's own, whatever the tests sent.</summary>
    public static void AssertNoRequestFailed(string log)
    {
        Assert.DoesNotContain("request failed unexpectedly", log, StringComparison.Ordinal);
        Assert.DoesNotContain("unhandled exception", log, StringComparison.Ordinal);
    }

    /// <summary>Prepares the data directory before the server starts.</summary>
    protected virtual void Prepare()
    {
    }
}

/// <summary>A server with every role, whose data directory the test can read and write.</summary>
public sealed class OwnServer() : ServerFixture(Keys);

/// <summary>A server without a scorer: accepted transactions stay pending.</summary>
public sealed class IntakeOnlyServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake")]);

/// <summary>A server without keys, which answers only requests from this machine.</summary>
public sealed class OpenServer() : ServerFixture();

/// <summary>A server that allows each key three requests per minute.</summary>
public sealed class RateLimitedServer() : ServerFixture([.. Keys, ("FinanceIngest__RateLimit__PerMinute", "3")]);

/// <summary>A server without a scorer, with the lowest limit on the bytes that requests may hold.</summary>
public sealed class SmallServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake"), ("FinanceIngest__Intake__MaximumBytesInFlight", "33554432")]);

/// <summary>A server that takes ten connections at once.</summary>
public sealed class TenConnectionsServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake"), ("FinanceIngest__Intake__MaximumConnections", "10")]);

/// <summary>A server that can't use its database, because a folder stands where the database's file should be.</summary>
public class BrokenDatabaseServer() : ServerFixture([.. Keys, ("FinanceIngest__Roles", "intake")])
{
    /// <inheritdoc/>
    protected override void Prepare() => Directory.CreateDirectory(Path.Combine(DataDirectory, "finance-ingest.db"));
}

/// <summary>A server that can use neither its database nor its inbound queue.</summary>
public sealed class BrokenStorageServer : BrokenDatabaseServer
{
    /// <inheritdoc/>
    protected override void Prepare()
    {
        base.Prepare();
        Directory.CreateDirectory(Path.Combine(DataDirectory, "queue-transactions-inbound.db"));
    }
}
