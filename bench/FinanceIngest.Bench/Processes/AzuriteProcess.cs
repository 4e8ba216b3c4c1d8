using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Azure;
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
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
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
    /// <exception cref="NotMeasuredException">Azurite is not installed.</exception>
    public static async Task<AzuriteProcess> StartAsync(BenchFolder folder, bool logsAccesses = false)
    {
        if (!Directory.Exists(Folder))
        {
            throw new NotMeasuredException("no Azurite (npm ci --prefix tests/azurite)");
        }

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
        await azurite.AnswersAsync();
        return azurite;
    }

    /// <summary>Returns the connection string for a proxy on another port. The older SDK needs all three endpoints.</summary>
    public static string ConnectionStringAt(int port) => string.Create(
        CultureInfo.InvariantCulture,
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{port}/{Account};"
            + $"QueueEndpoint=http://127.0.0.1:{port}/{Account};TableEndpoint=http://127.0.0.1:{port}/{Account};");

    public Task<AzureQueue> CreateQueueAsync(string name, CancellationToken cancellationToken) => CreateQueueAsync(name, ConnectionString, cancellationToken);

    /// <summary>Makes a queue, or takes one that is there, through a proxy of which the connection string speaks.</summary>
    public static async Task<AzureQueue> CreateQueueAsync(string name, string connectionString, CancellationToken cancellationToken)
    {
        var client = new QueueClient(connectionString, name, new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None });
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

    // A machine that does other work takes its time over Node.
    private async Task AnswersAsync()
    {
        var options = new QueueClientOptions();
        options.Retry.MaxRetries = 0;
        var client = new QueueServiceClient(ConnectionString, options);
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            _process.ThrowIfEnded();
            try
            {
                await client.GetPropertiesAsync();
                return;
            }
            catch (RequestFailedException) when (Stopwatch.GetElapsedTime(start) < s_patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
