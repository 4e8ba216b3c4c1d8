using System.Text.RegularExpressions;
using FinanceIngest.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Security;

/// <summary>Each log entry is one line, whatever text a client put into it.</summary>
public sealed partial class LineFormatterTests
{
    private static readonly FakeTimeProvider s_time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, 250, TimeSpan.Zero));

    [Fact]
    public void An_ordinary_entry_reads_as_it_always_did()
    {
        var scopes = new LoggerExternalScopeProvider();
        using IDisposable scope = scopes.Push("SpanId:1, TraceId:2");
        Assert.Equal(
            "2026-01-31T12:00:00.250Z warn: FinanceIngest.Http.Api[7] => SpanId:1, TraceId:2 a müsli → text\n",
            Write(LogLevel.Warning, "a müsli → text", null, scopes));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r")]
    [InlineData("\r\n")]
    [InlineData("\u0085")]
    [InlineData("\u2028")]
    [InlineData("\u2029")]
    [InlineData("\u001b[1A\u001b[2K")]
    [InlineData("\u009b2K")]
    [InlineData("\b\b\b\b")]
    [InlineData("\u202e")]
    [InlineData("\0")]
    public void No_text_makes_a_second_line_or_moves_the_cursor(string between)
    {
        string hostile = $"x{between}2026-01-31T12:00:00.250Z crit: forged";
        var scopes = new LoggerExternalScopeProvider();
        using IDisposable scope = scopes.Push(hostile);
        string line = Write(LogLevel.Error, hostile, new InvalidOperationException(hostile, new IOException(hostile)), scopes);
        Assert.EndsWith("\n", line, StringComparison.Ordinal);
        Assert.DoesNotMatch(Obeyed(), line[..^1]);
    }

    private static string Write(LogLevel level, string message, Exception? exception, IExternalScopeProvider scopes)
    {
        var writer = new StringWriter();
        var entry = new LogEntry<string>(level, "FinanceIngest.Http.Api", new EventId(7), message, exception, (text, _) => text);
        new LineFormatter(s_time).Write(entry, scopes, writer);
        return writer.ToString();
    }

    [GeneratedRegex(@"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]")]
    private static partial Regex Obeyed();
}
