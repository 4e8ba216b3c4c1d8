namespace FinanceIngest.Chaos.Hooks;

/// <summary>A clock that is wrong by what the harness says, and may jump while the process runs. Timers and elapsed times stay right, as after a real jump.</summary>
internal sealed class SkewedTime(Control control) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + control.ClockOffset;
}
