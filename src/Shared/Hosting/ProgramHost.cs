using System.Net.Sockets;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace FinanceIngest.Hosting;

/// <summary>
/// What the programs have in common: logs go to standard error; a wrong setting is reported in one line and exit code 2, a failure in exit code 1.
/// </summary>
public static class ProgramHost
{
    /// <summary>Exit code of a program that did what it was asked to.</summary>
    public const int Done = 0;

    /// <summary>Exit code of a program that failed.</summary>
    public const int Failed = 1;

    /// <summary>Exit code for a wrong setting or argument.</summary>
    public const int WrongUse = 2;

    /// <summary>
    /// Returns the arguments with one more, which makes the host read its configuration only once. By default the host watches the folder in which it was
    /// started; when that folder contains ./data, every write to the program's own databases would notify it.
    /// </summary>
    public static string[] Arguments(string[] args) => ["--hostBuilder:reloadConfigOnChange=false", .. args];

    /// <summary>Runs a program and returns its exit code; an exception that says what its user can mend becomes one line on standard error.</summary>
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
            // The port is in use, the address belongs to another machine, or appsettings.json can't be read.
            await Console.Error.WriteLineAsync(SafeText.Line(e.Message));
            return e is IOException or SocketException ? Failed : WrongUse;
        }
    }

    /// <summary>
    /// Sends logs to standard error, one line per entry, with the trace to which the entry belongs. Standard output is reserved for a program's results.
    /// </summary>
    public static void LogToStandardError(this ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.ClearProviders();
        logging.AddConfiguration(configuration.GetSection("Logging"));
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        logging.AddFilter("Azure", LogLevel.Warning);

        // At Information, ASP.NET Core would write every address with its query, which may contain a key. No setting turns that on.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);

        // RunAsync reports a failed start once, in one line. Background services report their own failures and go on.
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
