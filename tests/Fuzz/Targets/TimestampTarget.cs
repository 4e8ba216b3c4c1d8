using System.Text;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.References;
using FinanceIngest.Transactions;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>RFC 3339 instants, compared with a regular expression and plain arithmetic.</summary>
internal sealed class TimestampTarget : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => "timestamp";

    /// <inheritdoc/>
    public override string Properties => "agrees with a regular expression and plain arithmetic; a written instant reads back";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
        [
            "2026-01-31T12:00:00Z", "0001-01-01", "9999-12-31", "2024-02-29", "1900-02-29", "T", "t", " ", "Z", "z", "+00:00", "-23:59", "+24:00",
            ".123456", ".9999999", ":60", "24:00", "T23:59:60", "٣", "−", "\0",
        ];

    /// <inheritdoc/>
    public override int LongestInput => 100;

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        DateTime? actual = Timestamp.TryParseRfc3339(text, out DateTime instant) ? instant : null;
        Property.Same(SlowTimestamp.Read(text)?.Ticks, actual?.Ticks, "an instant is what plain arithmetic says");
        if (actual is null)
        {
            return $"refused {text.Length >= 20} {text.Contains('.', StringComparison.Ordinal)} {text.AsSpan().LastIndexOfAny('+', '-') > 18}";
        }

        Span<byte> written = stackalloc byte[Timestamp.Length];
        Timestamp.Write(instant, written);
        Property.Same(Timestamp.ToText(instant), Encoding.ASCII.GetString(written), "both ways of writing agree");
        Property.Same(instant, Timestamp.FromText(Timestamp.ToText(instant)), "what is written reads back");
        Property.Holds(
            Timestamp.TryParseRfc3339(Timestamp.ToText(instant), out DateTime again) && again == instant && again.Kind == DateTimeKind.Utc,
            "what is written is taken",
            $"{text}");
        return $"taken {text.Length > 27} {instant.Year is 1 or 9999} {text[17] == '6'} {text[^1]}";
    }
}
