using System.Globalization;
using FinanceIngest.Ground;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace FinanceIngest.Hosting;

/// <summary>
/// Writes each log entry as exactly one line: time, level, category, scopes (the trace), message, exception. The console's own formatter passes on carriage
/// returns and escape sequences, with which a client's text could overwrite a line or imitate one.
/// </summary>
internal sealed class LineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    /// <summary>Name of this formatter among those of the console.</summary>
    public const string FormatterName = "line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        textWriter.Write(Level(logEntry.LogLevel));
        textWriter.Write(SafeText.Line(logEntry.Category));
        textWriter.Write(string.Create(CultureInfo.InvariantCulture, $"[{logEntry.EventId.Id}]"));
        scopeProvider?.ForEachScope(static (scope, writer) => writer.Write($" => {SafeText.Line(scope?.ToString() ?? "")}"), textWriter);
        textWriter.Write(' ');
        textWriter.Write(SafeText.Line(message));
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(' ');
            textWriter.Write(SafeText.Line(exception.ToString()));
        }

        textWriter.Write('\n');
    }

    // The names are those of the console's own formatter, so that existing searches of logs still work.
    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace => " trce: ",
        LogLevel.Debug => " dbug: ",
        LogLevel.Information => " info: ",
        LogLevel.Warning => " warn: ",
        LogLevel.Error => " fail: ",
        _ => " crit: ",
    };
}
