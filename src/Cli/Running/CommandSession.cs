using System.CommandLine;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Storage.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Cli.Running;

/// <summary>What a command does to an installation, which decides what it may make.</summary>
internal enum CommandKind
{
    /// <summary>The command makes no file, folder or queue, and takes what is not there for empty. The data directory must exist.</summary>
    Reads,

    /// <summary>The command works on what is there: without an installation in the data directory it does nothing.</summary>
    Changes,

    /// <summary>The command makes the installation where there is none.</summary>
    Makes,
}

/// <summary>The services with which one command works on an installation, registered from the same settings as in the other programs.</summary>
internal sealed class CommandSession : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly CommandKind _kind;
    private readonly SettingSources _sources;
    private bool _isFound;

    /// <summary>Reads the settings and registers the services; a command may add its own.</summary>
    /// <exception cref="SettingsException">A setting is wrong.</exception>
    public CommandSession(CliHost host, GlobalOptions options, ParseResult parsed, CommandKind kind, Action<IServiceCollection, Settings>? addServices = null)
    {
        Report = new Report(host, parsed.GetValue(options.Json));
        _kind = kind;
        _sources = SettingSources.Of(parsed.GetValue(options.DataDirectory));
        Settings = SettingsReader.Read(_sources.Configuration, ProgramKind.Cli) with { ReadsOnly = kind == CommandKind.Reads };
        var services = new ServiceCollection();
        services.AddSingleton(host.Time);
        services.AddFinanceIngest(Settings);
        addServices?.Invoke(services, Settings);
        services.AddLogging(logging =>
        {
            // Log levels are meant for the servers, and so the configuration here is empty.
            logging.LogToStandardError(new ConfigurationBuilder().Build());
            logging.SetMinimumLevel(LogLevel.Warning);
        });
        _services = services.BuildServiceProvider();
    }

    /// <summary>The settings.</summary>
    public Settings Settings { get; }

    /// <summary>Writes the command's answer.</summary>
    public Report Report { get; }

    /// <summary>Returns a service. The first use makes sure that there is an installation to work on.</summary>
    /// <exception cref="CliException">There is none where the settings say, and this command makes none.</exception>
    public T Get<T>()
        where T : notnull
    {
        RequireInstallation();
        return _services.GetRequiredService<T>();
    }

    /// <summary>Returns a service that needs no installation.</summary>
    public T GetAlone<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Makes sure that there is an installation to work on, and that it is its owner's alone.</summary>
    /// <exception cref="CliException">There is none where the settings say, and this command makes none.</exception>
    public void RequireInstallation()
    {
        if (_isFound)
        {
            return;
        }

        _isFound = true;
        if (Settings is { UsesSqlServer: true, UsesAzureQueues: true })
        {
            return;
        }

        string directory = Settings.DataDirectory;
        bool hasDatabase = File.Exists(Path.Combine(directory, SqliteDatabase.FileName));
        if (_kind != CommandKind.Makes && !Directory.Exists(directory))
        {
            throw new CliException(
                $"There is no data directory {directory} ({_sources.DataDirectoryOrigin}), and nothing was made. "
                    + "Give the installation's with --data-directory or FinanceIngest__DataDirectory.");
        }

        if (_kind == CommandKind.Changes && !hasDatabase && Directory.GetFiles(directory, "queue-*.db").Length == 0)
        {
            throw new CliException(
                $"There is no installation in {directory} ({_sources.DataDirectoryOrigin}), and so there is nothing to do; nothing was made.");
        }

        if (!Settings.UsesSqlServer && !hasDatabase)
        {
            Report.Note($"{directory} is a fresh data directory: it has no database yet.");
        }

        foreach (WideMode wide in _kind == CommandKind.Reads ? [] : DataDirectoryModes.Narrow(directory))
        {
            Report.Note(wide.ToString());
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
