using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FinanceIngest.Chaos.Load;

namespace FinanceIngest.Chaos.Processes;

/// <summary>
/// One of the real programs on a port of its own. It can be started again after it has ended, as a supervisor would do it.
/// </summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly string _program;
    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string _control;
    private readonly Dictionary<string, string> _wishes = [];
    private Process? _process;
    private StreamWriter? _log;

    /// <param name="name">The process's name in logs.</param>
    /// <param name="program">IngestServer or ScoringWorker.</param>
    /// <param name="folder">The folder of logs and of the control file.</param>
    /// <param name="environment">The settings, as environment variables.</param>
    public ServiceProcess(string name, string program, string folder, IReadOnlyDictionary<string, string> environment)
    {
        Name = name;
        _program = program;
        _folder = folder;
        _environment = environment;
        _control = Path.Combine(folder, $"{name}.control");
        Address = new Uri($"http://127.0.0.1:{FreePort().ToString(CultureInfo.InvariantCulture)}");
        WriteControl();
    }

    public string Name { get; }

    public Uri Address { get; }

    public bool IsIntake => _program == "IngestServer";

    public bool IsWorker => _program == "ScoringWorker";

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The exit code of the last run.</summary>
    public int ExitCode => _process!.ExitCode;

    public int Id => _process?.Id ?? throw new InvalidOperationException($"{Name} has not been started.");

    /// <summary>The points at which the process has ended, in order.</summary>
    public IReadOnlyList<string> Hits => File.Exists(_control + ".hits") ? File.ReadAllLines(_control + ".hits") : [];

    /// <summary>Starts the program; see <see cref="ReadyAsync"/>.</summary>
    public void Start()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = _folder };
        start.ArgumentList.Add(Repository.Output(Path.Combine("src", _program), $"{_program}.dll"));
        start.ArgumentList.Add("--urls");
        start.ArgumentList.Add(Address.ToString());
        foreach (string inherited in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(inherited);
        }

        foreach ((string name, string value) in _environment)
        {
            start.Environment[name] = value;
        }

        start.Environment["DOTNET_STARTUP_HOOKS"] = Repository.Output(Path.Combine("tests", "Chaos.Hooks"), "FinanceIngest.Chaos.Hooks.dll");
        start.Environment["CHAOS_CONTROL"] = _control;
        start.Environment["DOTNET_TieredPGO"] = "0";
        _process?.Dispose();
        _log ??= TextWriterOf(Path.Combine(_folder, $"{Name}.log"));
        StreamWriter log = _log;
        _process = new Process { StartInfo = start };
        _process.ErrorDataReceived += (_, line) => Write(log, line.Data);
        _process.OutputDataReceived += (_, line) => Write(log, line.Data);
        _process.Start();
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>Waits until the process answers; returns false when it ended before.</summary>
    /// <exception cref="TimeoutException">The process runs, but does not answer.</exception>
    public async Task<bool> ReadyAsync(CancellationToken cancellationToken)
    {
        await Patience.ForAsync($"{Name} answers", async () => !IsRunning || await AnswersAsync(cancellationToken), Patience.Start, cancellationToken);
        return IsRunning;
    }

    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage response = await s_http.GetAsync(new Uri(Address, "/healthz"), cancellationToken);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (ConnectionFailure.IsOne(e) || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>Sets a value in the control file, for the running process and for every later start; null removes it.</summary>
    public void Wish(string name, string? value)
    {
        if (value is null)
        {
            _wishes.Remove(name);
        }
        else
        {
            _wishes[name] = value;
        }

        WriteControl();
    }

    /// <summary>Ends the process with SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (IsRunning)
        {
            _process!.Kill();
            await EndedAsync(TimeSpan.FromSeconds(30));
        }
    }

    /// <summary>Ends the process with SIGTERM; returns how long it took.</summary>
    public async Task<TimeSpan> TerminateAsync()
    {
        long begun = Stopwatch.GetTimestamp();
        Signals.Send(Id, Signals.Terminate);
        await EndedAsync(TimeSpan.FromSeconds(60));
        return Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>Freezes the process with SIGSTOP.</summary>
    public void Freeze() => Signals.Send(Id, Signals.Stop);

    /// <summary>Lets a frozen process continue, with SIGCONT.</summary>
    public void Thaw() => Signals.Send(Id, Signals.Continue);

    /// <summary>Waits until the process ends by itself; returns false when it still runs.</summary>
    public Task<bool> EndsAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        Patience.UntilAsync(() => Task.FromResult(!IsRunning), patience, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
    }

    /// <summary>Returns a port that is free at the moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task EndedAsync(TimeSpan patience)
    {
        using var timeout = new CancellationTokenSource(patience);
        await _process!.WaitForExitAsync(timeout.Token);
    }

    // The file is written under another name and renamed, so that the hooks never read half a file.
    private void WriteControl()
    {
        string next = _control + ".next";
        File.WriteAllLines(next, _wishes.Select(wish => $"{wish.Key}={wish.Value}"));
        File.Move(next, _control, overwrite: true);
    }

    private static StreamWriter TextWriterOf(string path) => new(path, append: true) { AutoFlush = true };

    private static void Write(StreamWriter log, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (log)
        {
            log.WriteLine(line);
        }
    }

    private static bool IsSetting(string name) =>
        name.StartsWith("FinanceIngest", StringComparison.OrdinalIgnoreCase) || name.StartsWith("AZURE_STORAGE_", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name == "SQL_CONNECTION_STRING" || name.StartsWith(
            "DOTNET_URLS", StringComparison.Ordinal);
}
