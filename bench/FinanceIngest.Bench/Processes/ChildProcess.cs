using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace FinanceIngest.Bench.Processes;

/// <summary>A program that is measured. It can be held, so that it uses no processor while another program takes its turn.</summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";
    private const int SignalContinue = 18;
    private const int SignalStop = 19;
    private const int SignalTerminate = 15;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly string _name;
    private readonly StreamWriter _log;
    private readonly Lock _gate = new();
    private bool _disposed;
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(ProcessStartInfo start, string name, string logPath)
    {
        _name = name;
        LogPath = logPath;
        _log = new StreamWriter(logPath) { AutoFlush = true };
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.ErrorDataReceived += (_, line) => OnLog(line.Data);
        _process.OutputDataReceived += (_, line) => OnLog(line.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException($"{name} ended before it was ready; see {logPath}."));
        _process.Start();
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public string LogPath { get; }

    /// <summary>The peak of resident memory in MiB, as the kernel counts it.</summary>
    public double PeakResidentMebibytes => Kibibytes("VmHWM:") / 1024;

    /// <summary>The processor time that the program has taken so far, by user and kernel.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts a program of this checkout with these settings only; settings in the environment of the benchmarks are not inherited.</summary>
    public static ChildProcess Start(string project, BenchFolder folder, IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        Start("dotnet", [Repository.Program(project), .. arguments], project, folder, environment);

    public static ChildProcess Start(
        string program, IEnumerable<string> arguments, string name, BenchFolder folder, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = folder.Path,
        };
        foreach (string inherited in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(inherited);
        }

        foreach ((string setting, string value) in environment)
        {
            start.Environment[setting] = value;
        }

        return new ChildProcess(start, name, folder.NewFile($"{name}.log"));
    }

    /// <summary>Waits until the program says where it listens.</summary>
    public async Task<string> ReadyAsync() => await _address.Task.WaitAsync(s_patience);

    /// <summary>Waits until the program listens, and returns its address.</summary>
    public async Task<Uri> AddressAsync() => new(await ReadyAsync());

    /// <summary>Waits until the program has opened its queues and its database, because a program that is held earlier might hold their locks.</summary>
    public async Task OpenedAsync()
    {
        using var client = new HttpClient { BaseAddress = await AddressAsync() };
        while (true)
        {
            using HttpResponseMessage answer = await client.GetAsync("/readyz");
            if (answer.IsSuccessStatusCode)
            {
                return;
            }

            ThrowIfEnded();
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }

    /// <summary>Suspends the program.</summary>
    public void Hold() => Send(SignalStop);

    /// <summary>Lets the program continue.</summary>
    public void LetGo() => Send(SignalContinue);

    /// <summary>Checks that the program still runs.</summary>
    /// <exception cref="InvalidOperationException">The program has ended during a measurement.</exception>
    public void ThrowIfEnded()
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"{_name} ended with {_process.ExitCode.ToString(CultureInfo.InvariantCulture)}; see {LogPath}.");
        }
    }

    /// <summary>Waits for the end of a program that ends by itself.</summary>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Ends the program, which closes its log. It may be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (!_process.HasExited)
        {
            LetGo();
            Send(SignalTerminate);
            try
            {
                await _process.WaitForExitAsync().WaitAsync(s_patience);
            }
            catch (TimeoutException)
            {
                _process.Kill();
                await _process.WaitForExitAsync();
            }
        }

        _process.Dispose();
        await _log.DisposeAsync();
    }

    private void Send(int signal) => _ = Kill(_process.Id, signal);

    private double Kibibytes(string field)
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(field, StringComparison.Ordinal));
        return double.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    private void OnLog(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            _log.WriteLine(line);
        }

        int at = line.IndexOf(Listening, StringComparison.Ordinal);
        if (at >= 0)
        {
            _address.TrySetResult(line[(at + Listening.Length)..].Trim());
        }
    }

    private static bool IsSetting(string name) =>
        name.StartsWith("FinanceIngest", StringComparison.OrdinalIgnoreCase) || name.StartsWith("AZURE_STORAGE_", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name is "SQL_CONNECTION_STRING" or "AzureWebJobsStorage";

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
