using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>
/// One of the two programs that answer the HTTP API, with a whole installation behind it. The contract's tests run against each of them. Where
/// FINANCE_TEST_BASE_URL is set, the tests use the head that already runs at this address: a function app when FINANCE_TEST_HEAD is <c>function</c>, otherwise
/// an IngestServer, with the keys in FINANCE_TEST_KEY and FINANCE_TEST_ADMIN_KEY.
/// </summary>
public abstract class HeadFixture(bool isFunction) : IAsyncLifetime
{
    private ApiClient? _client;
    private ApiClient? _admin;

    /// <summary>Whether a platform stands before the API and answers some requests by itself.</summary>
    public bool IsFunction => isFunction;

    /// <summary>A client that may submit and read. Skips the running test where this head can't be started.</summary>
    public ApiClient Client => Available(_client);

    /// <summary>A client that may change baselines. Skips the running test where this head can't be started.</summary>
    public ApiClient Admin => Available(_admin);

    /// <summary>Where baselines are changed; null: at the head itself.</summary>
    protected virtual Uri? AdminAddress => null;

    /// <summary>The reason why the head can't be started on this machine; null when it can.</summary>
    protected virtual string? Unavailable => null;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        string? url = Environment.GetEnvironmentVariable("FINANCE_TEST_BASE_URL");
        bool isGiven = !string.IsNullOrEmpty(url) && isFunction == (Environment.GetEnvironmentVariable("FINANCE_TEST_HEAD") == "function");
        if (isGiven)
        {
            _client = new ApiClient(new Uri(url!), Environment.GetEnvironmentVariable("FINANCE_TEST_KEY"), isFunction);
            _admin = _client.WithKey(Environment.GetEnvironmentVariable("FINANCE_TEST_ADMIN_KEY"));
        }
        else if (await StartAsync() is { } address)
        {
            _client = new ApiClient(address, ServerFixture.Key, isFunction);
            _admin = AdminAddress is { } other ? new ApiClient(other, ServerFixture.AdminKey) : _client.WithKey(ServerFixture.AdminKey);
        }
    }

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>
    /// Starts the head with <see cref="ServerFixture.Key"/> and <see cref="ServerFixture.AdminKey"/>. Returns null when the head can't be started.
    /// </summary>
    protected abstract Task<Uri?> StartAsync();

    private ApiClient Available(ApiClient? client)
    {
        Assert.SkipWhen(client is null, Unavailable ?? "The head did not start.");
        return client!;
    }
}

/// <summary>IngestServer on embedded storage.</summary>
public sealed class ServerHead() : HeadFixture(isFunction: false)
{
    /// <summary>The collection of the tests that share this head. They run one after another.</summary>
    public const string Collection = "HTTP head: IngestServer";

    private OwnServer? _server;

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <inheritdoc/>
    protected override async Task<Uri?> StartAsync()
    {
        _server = new OwnServer();
        await _server.InitializeAsync();
        return _server.Address;
    }
}

/// <summary>
/// IngestFunction under the function driver, which stands in for the Functions host, a ScoringWorker, and an IngestServer for baselines. They share Azurite's
/// queues and one SQLite database.
/// </summary>
public sealed class FunctionHead(AzuriteFixture azurite) : HeadFixture(isFunction: true)
{
    /// <summary>The collection of the tests that share this head. They run one after another.</summary>
    public const string Collection = "HTTP head: IngestFunction";

    private readonly TemporaryFolder _folder = new();
    private ProgramProcess? _worker;
    private ProgramProcess? _driver;
    private ProgramProcess? _administration;
    private Uri? _adminAddress;

    /// <inheritdoc/>
    protected override Uri? AdminAddress => _adminAddress;

    /// <inheritdoc/>
    protected override string? Unavailable => _driver is null ? AzuriteFixture.Missing : null;

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        using TemporaryFolder folder = _folder;
        await using ProgramProcess? worker = _worker;
        await using ProgramProcess? driver = _driver;
        await using ProgramProcess? administration = _administration;
        if (driver is not null)
        {
            // Nothing may have failed unexpectedly, whatever the tests sent, and both programs must end when they are asked to.
            Assert.Equal(0, await driver.TerminateAsync());
            Assert.Equal(0, await worker!.TerminateAsync());
            ServerFixture.AssertNoRequestFailed(driver.Log);
            ServerFixture.AssertNoRequestFailed(worker.Log);
        }
    }

    /// <inheritdoc/>
    protected override async Task<Uri?> StartAsync()
    {
        if (await azurite.TryConnectionStringAsync() is not { } queues)
        {
            return null;
        }

        (string, string)[] settings =
        [
            ("AZURE_STORAGE_CONNECTION_STRING", queues),
            ("FinanceIngest__InboundQueue", $"inbound-{Guid.NewGuid():N}"), ("FinanceIngest__AlertQueue", $"alerts-{Guid.NewGuid():N}"),
            ("FinanceIngest__DataDirectory", _folder.Path), ("FinanceIngest__IdSigningKey", ServerFixture.SigningKey),
        ];

        // No process can wake a worker in another process, so the worker polls: here without the pauses that make an idle queue cheap.
        _worker = ProgramProcess.StartServer("ScoringWorker", _folder.Path, [.. settings, ("FinanceIngest__Polling__MaximumSeconds", "0.05")]);
        string app = Path.GetDirectoryName(ProgramProcess.PathOf("IngestFunction"))!;
        _driver = ProgramProcess.Start(
            "FinanceIngest.FunctionDriver",
            ["--app", app, "--port", "0", "--function-key", ServerFixture.Key, "--admin-key", ServerFixture.AdminKey, "--no-local-settings"],
            _folder.Path,
            settings);
        await _worker.AddressAsync();

        // A function app has no route for baselines: an installation that has one puts them in by an IngestServer or by the operator's tool.
        _administration = ProgramProcess.StartServer(
            "IngestServer", _folder.Path, [.. settings, .. ServerFixture.Keys, ("FinanceIngest__Roles", "intake")]);
        _adminAddress = await _administration.AddressAsync();
        return await _driver.AddressAsync();
    }
}

/// <summary>Runs the contract's tests against IngestServer.</summary>
[CollectionDefinition(ServerHead.Collection)]
[Needs(Outside.Program)]
public sealed class ServerHeadCollection : ICollectionFixture<ServerHead>;

/// <summary>Runs the contract's tests against IngestFunction.</summary>
[CollectionDefinition(FunctionHead.Collection)]
[Needs(Outside.Program, Outside.Azurite)]
public sealed class FunctionHeadCollection : ICollectionFixture<FunctionHead>;
