using System.Net.Sockets;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace FinanceIngest.Hosting;

/// <summary>How all programs start and end: logs on standard error, one line and exit code 2 for a wrong setting, 1 for a failure.</summary>
public static class ProgramHost
{
    /// <summary>Everything went well.</summary>
    public const int Done = 0;

    /// <summary>It failed.</summary>
    public const int Failed = 1;

    /// <summary>A setting or an argument is wrong.</summary>
    public const int WrongUse = 2;

    /// <summary>
    /// The arguments of a program that reads its settings once. Else the host would watch the folder it was started in, and so, with ./data in it,
    /// be told of every write of its own databases.
    /// </summary>
    public static string[] Arguments(string[] args) => ["--hostBuilder:reloadConfigOnChange=false", .. args];

    /// <summary>Runs a program and turns what gets out of it into one line on standard error and an exit code.</summary>
    public static async Task<int> RunAsync(Func<Task> run)
    {
        try
        {
            await run();
            return Done;
        }
        catch (SettingsException e)
        {
            await Console.Error.WriteLineAsync(SafeText.Line(e.Message));
            return WrongUse;
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException or FormatException)
        {
            // A port in use, an address that is not this machine's, an unreadable appsettings.json.
            await Console.Error.WriteLineAsync(SafeText.Line(e.Message));
            return e is IOException or SocketException ? Failed : WrongUse;
        }
    }

    /// <summary>Logs go to standard error, one line each, with the trace that a line belongs to: standard output belongs to what a program is asked for.</summary>
    public static void LogToStandardError(this ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.ClearProviders();
        logging.AddConfiguration(configuration.GetSection("Logging"));
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        logging.AddFilter("Azure", LogLevel.Warning);

        // At Information it writes every address with its query, in which a key may stand. No setting turns that on.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);

        // A failed start is reported once, in one line, by RunAsync; the background services report their own failures and go on.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        logging.Configure(options => options.ActivityTrackingOptions = ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId);
        logging.Services.TryAddSingleton(TimeProvider.System);
        logging.AddConsoleFormatter<LineFormatter, ConsoleFormatterOptions>();
        logging.AddConsole(options =>
        {
            options.FormatterName = LineFormatter.FormatterName;
            options.LogToStandardErrorThreshold = LogLevel.Trace;
        });
    }
}
