using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.KestrelHead;

/// <summary>Makes a data directory that was there already its owner's alone, and says in the log what was wider.</summary>
internal static partial class DataDirectoryReport
{
    /// <summary>Narrows the directory and its files before any of them is opened. What can't be narrowed ends nothing.</summary>
    public static void Write(IServiceProvider services, Settings settings)
    {
        if (settings is { UsesSqlServer: true, UsesAzureQueues: true })
        {
            return;
        }

        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(DataDirectoryReport).FullName!);
        foreach (WideMode wide in DataDirectoryModes.Narrow(settings.DataDirectory))
        {
            Log.Wide(logger, wide.ToString());
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Found}")]
        public static partial void Wide(ILogger logger, string found);
    }
}
