using System.CommandLine;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Storage.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Cli.Running;

/// <summary>One command at work on an installation: its services, put together from the settings as the other programs do.</summary>
internal sealed class CommandSession : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    /// <exception cref="SettingsException">A setting is wrong.</exception>
    public CommandSession(CliHost host, GlobalOptions options, ParseResult parsed)
    {
        Report = new Report(host, parsed.GetValue(options.Json));
        Settings settings = SettingsReader.Read(Configure(parsed.GetValue(options.DataDirectory)), ProgramKind.Cli);
        if (!settings.UsesSqlServer && !File.Exists(Path.Combine(settings.DataDirectory, SqliteDatabase.FileName)))
        {
            Report.Note($"{settings.DataDirectory} is a fresh data directory.");
        }

        var services = new ServiceCollection();
        services.AddSingleton(host.Time);
        services.AddFinanceIngest(settings);
        services.AddLogging(logging =>
        {
            // The programs' own log levels are not for the operator's terminal.
            logging.LogToStandardError(new ConfigurationBuilder().Build());
            logging.SetMinimumLevel(LogLevel.Warning);
        });
        _services = services.BuildServiceProvider();
    }

    /// <summary>Where the command's answer goes.</summary>
    public Report Report { get; }

    /// <summary>A service.</summary>
    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static IConfigurationRoot Configure(string? dataDirectory)
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .SetBasePath(Directory.GetCurrentDirectory())
            .AddJsonFile("appsettings.json", optional: true)
            .AddEnvironmentVariables();
        return (dataDirectory is null
            ? builder
            : builder.AddInMemoryCollection([new("FinanceIngest:DataDirectory", dataDirectory)])).Build();
    }
}
