using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Azure.Storage.Queues;

namespace FinanceIngest.Bench.Processes;

/// <summary>Azurite, as the tests use it, with its queues in memory.</summary>
internal sealed class AzuriteProcess : IAsyncDisposable
{
    private const string Account = "devstoreaccount1";

    // The emulator's well-known key, the same for everybody (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite).
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    // Azurite writes its last log lines after its answers have arrived.
    private static readonly TimeSpan s_logDelay = TimeSpan.FromMilliseconds(300);
    private readonly ChildProcess _process;

    private AzuriteProcess(ChildProcess process, int port)
    {
        _process = process;
        Port = port;
        ConnectionString = ConnectionStringAt(port);
    }

    public static string Version
    {
        get
        {
            string package = Path.Combine(Folder, "package.json");
            return File.Exists(package) ? JsonDocument.Parse(File.ReadAllText(package)).RootElement.GetProperty("version").GetString()! : "not installed";
        }
    }

    public int Port { get; }

    public string ConnectionString { get; }

    private static string Folder => Path.Combine(Repository.Root, "tests", "azurite", "node_modules", "azurite");

    /// <summary>Starts Azurite.</summary>
    /// <param name="folder">The folder of the log.</param>
    /// <param name="logsAccesses">Whether Azurite logs every request, which takes time.</param>
    public static async Task<AzuriteProcess> StartAsync(BenchFolder folder, bool logsAccesses = false)
    {
        int port = FreePort();
        ChildProcess process = ChildProcess.Start(
            "node",
            [
                Path.Combine(AppContext.BaseDirectory, "azurite.cjs"), Folder, "--queueHost", "127.0.0.1", "--queuePort", port.ToString(
                    CultureInfo.InvariantCulture),
                "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", .. logsAccesses ? (string[])[] : ["--silent"],
            ],
            "azurite", folder);
        var azurite = new AzuriteProcess(process, port);

        // The retries of the SDK wait until Azurite answers.
        var options = new QueueClientOptions();
        options.Retry.MaxRetries = 100;
        options.Retry.Mode = Azure.Core.RetryMode.Fixed;
        options.Retry.Delay = TimeSpan.FromMilliseconds(200);
        await new QueueServiceClient(azurite.ConnectionString, options).GetPropertiesAsync();
        return azurite;
    }

    /// <summary>Returns the connection string for a proxy on another port. The older SDK needs all three endpoints.</summary>
    public static string ConnectionStringAt(int port) => string.Create(
        CultureInfo.InvariantCulture,
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{port}/{Account};"
            + $"QueueEndpoint=http://127.0.0.1:{port}/{Account};TableEndpoint=http://127.0.0.1:{port}/{Account};");

    public async Task<AzureQueue> CreateQueueAsync(string name, CancellationToken cancellationToken)
    {
        var client = new QueueClient(ConnectionString, name, new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None });
        await client.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        return new AzureQueue(client);
    }

    /// <summary>The length of the access log so far.</summary>
    public long AccessLogLength => new FileInfo(_process.LogPath).Length;

    /// <summary>Returns the operations on a queue since the log had a given length.</summary>
    public async Task<QueueAccesses> ReadAccessesAsync(string queue, long from, CancellationToken cancellationToken)
    {
        await Task.Delay(s_logDelay, cancellationToken);
        await using var log = new FileStream(_process.LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Seek(from, SeekOrigin.Begin);
        using var reader = new StreamReader(log);
        return QueueAccesses.Count(queue, (await reader.ReadToEndAsync(cancellationToken)).Split('\n'));
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
