using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Processes;

/// <summary>The processes of one installation.</summary>
internal sealed class Fleet(Installation installation) : IAsyncDisposable
{
    private readonly List<ServiceProcess> _all = [];

    public IReadOnlyList<ServiceProcess> All => _all;

    public IReadOnlyList<ServiceProcess> Intakes => [.. _all.Where(process => process.IsIntake)];

    public IReadOnlyList<ServiceProcess> Workers => [.. _all.Where(process => process.IsWorker)];

    /// <summary>Settings of the processes in addition to those of the installation.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>Starts an intake, a server with all roles, and two workers.</summary>
    public async Task StartUsualAsync(CancellationToken cancellationToken)
    {
        AddIntake("intake");
        AddServer("server");
        AddWorker("worker-1");
        AddWorker("worker-2");
        await StartAsync(cancellationToken);
    }

    public ServiceProcess AddIntake(string name) => Add(name, "IngestServer", ("FinanceIngest__Roles", "intake"));

    public ServiceProcess AddServer(string name) => Add(name, "IngestServer");

    public ServiceProcess AddServer(string name, string roles) => Add(name, "IngestServer", ("FinanceIngest__Roles", roles));

    public ServiceProcess AddNotifier(string name) => Add(name, "ScoringWorker", ("FinanceIngest__Roles", "notifier"));

    public ServiceProcess AddWorker(string name) => Add(name, "ScoringWorker");

    /// <summary>Starts the processes that do not run, and waits until they answer.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (ServiceProcess process in _all.Where(process => !process.IsRunning))
        {
            process.Start();
            if (!await process.ReadyAsync(cancellationToken))
            {
                throw new InvalidOperationException($"{process.Name} ended at its start; its log is in {installation.Folder}.");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceProcess process in _all)
        {
            await process.DisposeAsync();
        }
    }

    private ServiceProcess Add(string name, string program, params (string Name, string Value)[] settings)
    {
        Dictionary<string, string> environment = new([.. installation.Settings, .. Settings]);
        foreach ((string setting, string value) in settings)
        {
            environment[setting] = value;
        }

        var process = new ServiceProcess(name, program, installation.Folder, environment);
        _all.Add(process);
        return process;
    }
}
