using System.CommandLine;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Storage.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Cli.Running;

/// <summary>The services with which one command works on an installation, registered from the same settings as in the other programs.</summary>
internal sealed class CommandSession : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    /// <summary>Reads the settings and registers the services.</summary>
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
            // The log levels of appsettings.json are meant for the servers, and so the configuration here is empty.
            logging.LogToStandardError(new ConfigurationBuilder().Build());
            logging.SetMinimumLevel(LogLevel.Warning);
        });
        _services = services.BuildServiceProvider();
    }

    /// <summary>Writes the command's answer.</summary>
    public Report Report { get; }

    /// <summary>Returns a service.</summary>
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
