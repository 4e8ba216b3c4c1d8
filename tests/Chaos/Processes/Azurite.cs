using System.Diagnostics;
using System.Globalization;
using Azure;
using Azure.Storage.Queues;

namespace FinanceIngest.Chaos.Processes;

/// <summary>Azurite's queue service, installed by npm. It keeps its data on disk, so that the data survives an orderly stop.</summary>
internal sealed class Azurite(string folder) : IAsyncDisposable
{
    public const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    private static readonly string s_program =
        Path.Combine(Repository.Root, "tests", "azurite", "node_modules", "azurite", "dist", "src", "queue", "main.js");
    private Process? _process;

    public static bool IsInstalled => File.Exists(s_program);

    public int Port { get; } = ServiceProcess.FreePort();

    public string ConnectionString => ConnectionStringOf(Port);

    public static string ConnectionStringOf(int port) => string.Create(
        CultureInfo.InvariantCulture,
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};QueueEndpoint=http://127.0.0.1:{port}/{Account};");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            s_program, "--queueHost", "127.0.0.1", "--queuePort", Port.ToString(CultureInfo.InvariantCulture),
            "--location", folder, "--skipApiVersionCheck", "--disableTelemetry", "--silent",
        })
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var options = new QueueClientOptions();
        options.Retry.MaxRetries = 0;
        var service = new QueueServiceClient(ConnectionString, options);
        await Patience.ForAsync("Azurite answers", () => AnswersAsync(service, cancellationToken), Patience.Start, cancellationToken);
    }

    /// <summary>
    /// Stops Azurite with SIGTERM, upon which it writes its data to disk. Otherwise it does so only from time to time, and after SIGKILL it has lost messages
    /// that it
    /// acknowledged.
    /// </summary>
    public async Task StopAsync()
    {
        Signals.Send(_process!.Id, Signals.Terminate);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(timeout.Token);
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }

    private static async Task<bool> AnswersAsync(QueueServiceClient service, CancellationToken cancellationToken)
    {
        try
        {
            await service.GetPropertiesAsync(cancellationToken);
            return true;
        }
        catch (RequestFailedException)
        {
            return false;
        }
    }
}
