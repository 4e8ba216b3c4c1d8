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

    // What a client or a message says may stand in a line; these bounds are far above every line of our own.
    internal const int LongestMessage = 4000;
    internal const int LongestException = 16_000;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        textWriter.Write(Level(logEntry.LogLevel));
        textWriter.Write(SafeText.Line(logEntry.Category));
        textWriter.Write(string.Create(CultureInfo.InvariantCulture, $"[{logEntry.EventId.Id}]"));
        scopeProvider?.ForEachScope(static (scope, writer) => writer.Write($" => {SafeText.Line(scope?.ToString() ?? "")}"), textWriter);
        textWriter.Write(' ');
        textWriter.Write(SafeText.Line(SafeText.Cut(message, LongestMessage)));
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(' ');
            textWriter.Write(SafeText.Line(SafeText.Cut(exception.ToString(), LongestException)));
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
