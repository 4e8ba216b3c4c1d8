using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Security;

/// <summary>Keeps every entry above Debug in the form in which a formatter would print it.</summary>
internal sealed class ListLogger<T> : ILogger<T>
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> AboveDebug => _lines;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel > LogLevel.Debug)
        {
            _lines.Add($"{formatter(state, exception)} {exception}");
        }
    }
}
