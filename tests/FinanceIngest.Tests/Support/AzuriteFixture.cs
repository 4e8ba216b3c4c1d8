using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Azure.Storage.Queues;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;

[assembly: AssemblyFixture(typeof(FinanceIngest.Tests.Support.AzuriteFixture))]

namespace FinanceIngest.Tests.Support;

/// <summary>
/// Azurite's queue service, shared by all tests and started by the first test that asks for it. It is the service that FINANCE_TEST_AZURITE (a connection
/// string) names, otherwise the one that npm installed under tests/azurite, otherwise a container. Without any of them, the tests that need it are skipped and
/// say so.
/// </summary>
public sealed class AzuriteFixture : IAsyncDisposable
{
    /// <summary>The reason that a skipped test gives when there is no Azurite.</summary>
    public const string Missing = "Azurite: no FINANCE_TEST_AZURITE, no tests/azurite/node_modules (npm ci --prefix tests/azurite) and no Docker engine";

    private const string Image = "mcr.microsoft.com/azure-storage/azurite:3.35.0@sha256:647c63a91102a9d8e8000aab803436e1fc85fbb285e7ce830a82ee5d6661cf37";
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    private const int ContainerPort = 10001;
    private Process? _process;
    private IContainer? _container;
    private readonly Lazy<Task<string?>> _connectionString;

    public AzuriteFixture() => _connectionString = new Lazy<Task<string?>>(StartAsync);

    /// <summary>Returns Azurite's connection string. Skips the running test when there is no Azurite.</summary>
    public async Task<string> ConnectionStringAsync()
    {
        string? connectionString = await TryConnectionStringAsync();
        Assert.SkipWhen(connectionString is null, Missing);
        return connectionString!;
    }

    /// <summary>Returns Azurite's connection string; null when there is no Azurite.</summary>
    public Task<string?> TryConnectionStringAsync()
    {
        NeedsAttribute.Require(Outside.Azurite);
        return _connectionString.Value;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        if (_container is not null)
        {
            await _container.DisposeAsync();
        }
    }

    private async Task<string?> StartAsync()
    {
        string executable = Path.Combine(Repository.Root, "tests", "azurite", "node_modules", "azurite", "dist", "src", "queue", "main.js");
        return Environment.GetEnvironmentVariable("FINANCE_TEST_AZURITE") is { Length: > 0 } given ? given
            : File.Exists(executable) ? await StartProcessAsync(executable)
            : await StartContainerAsync();
    }

    private async Task<string> StartProcessAsync(string executable)
    {
        int port = FreePort();
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            executable, "--queueHost", "127.0.0.1", "--queuePort", port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent",
        })
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        string connectionString = ConnectionStringOf("127.0.0.1", port);
        await AnswersAsync(connectionString);
        return connectionString;
    }

    private async Task<string?> StartContainerAsync()
    {
        try
        {
            _container = new ContainerBuilder(Image)
                .WithCommand("azurite-queue", "--queueHost", "0.0.0.0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry")
                .WithPortBinding(ContainerPort, assignRandomHostPort: true)
                .Build();
            await _container.StartAsync();
        }
        catch (Exception e) when (e is DockerUnavailableException or ArgumentException or HttpRequestException or TimeoutException)
        {
            _container = null;
            return null;
        }

        string connectionString = ConnectionStringOf(_container.Hostname, _container.GetMappedPublicPort(ContainerPort));
        await AnswersAsync(connectionString);
        return connectionString;
    }

    private static async Task AnswersAsync(string connectionString)
    {
        // The SDK's own retries wait until Azurite answers.
        var options = new QueueClientOptions();
        options.Retry.MaxRetries = 240;
        options.Retry.Mode = Azure.Core.RetryMode.Fixed;
        options.Retry.Delay = TimeSpan.FromMilliseconds(250);
        await new QueueServiceClient(connectionString, options).GetPropertiesAsync();
    }

    private static string ConnectionStringOf(string host, int port) =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};QueueEndpoint=http://{host}:{port}/{Account};";

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
