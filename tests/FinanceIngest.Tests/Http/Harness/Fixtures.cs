using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>An IngestServer with settings of its own, for tests of one head alone.</summary>
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
    public void AssertNoRequestFailed() => AssertNoRequestFailed(Log);

    /// <summary>Whatever the tests sent, none of it may have been an error of the program that wrote this log.</summary>
    public static void AssertNoRequestFailed(string log)
    {
        Assert.DoesNotContain("request failed unexpectedly", log, StringComparison.Ordinal);
        Assert.DoesNotContain("unhandled exception", log, StringComparison.Ordinal);
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
