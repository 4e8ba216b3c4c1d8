using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Page;

/// <summary>IngestServer as a process, on a port that stays its own when it is killed and started again.</summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly List<(string Name, string Value)> _settings;
    private readonly int _port = FreePort();
    private readonly StringBuilder _log = new();
    private Process? _process;

    public Server(string dataDirectory, params (string Name, string Value)[] settings)
    {
        DataDirectory = dataDirectory;
        _settings = [.. settings];
        Http = new HttpClient { BaseAddress = Address };
    }

    public string DataDirectory { get; }

    public Uri Address => new($"http://127.0.0.1:{_port}/");

    public HttpClient Http { get; }

    /// <summary>Sets what depends on the server's address, before the server is started.</summary>
    public void Set(string name, string value) => _settings.Add((name, value));

    public async Task StartAsync()
    {
        var listens = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        string[] folders = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, WorkingDirectory = DataDirectory };
        start.ArgumentList.Add(Path.Combine(Repository.Root, "src", "IngestServer", "bin", folders[^2], folders[^1], "IngestServer.dll"));
        foreach (string inherited in start.Environment.Keys.Where(name => name.StartsWith("FinanceIngest", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(inherited);
        }

        start.Environment.Remove("SQL_CONNECTION_STRING");
        start.Environment["ASPNETCORE_URLS"] = Address.GetLeftPart(UriPartial.Authority);
        start.Environment["FinanceIngest__DataDirectory"] = DataDirectory;
        foreach ((string name, string value) in _settings)
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
            {
                _log.AppendLine(line.Data);
            }

            if (line.Data?.Contains("Now listening on", StringComparison.Ordinal) == true)
            {
                listens.TrySetResult();
            }
        };
        process.Exited += (_, _) => listens.TrySetException(new InvalidOperationException("The server ended before it listened."));
        process.Start();
        process.BeginErrorReadLine();
        _process = process;
        try
        {
            await listens.Task.WaitAsync(s_patience);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException)
        {
            lock (_log)
            {
                throw new InvalidOperationException($"{e.Message} Its log:\n{_log}", e);
            }
        }
    }

    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Http.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
