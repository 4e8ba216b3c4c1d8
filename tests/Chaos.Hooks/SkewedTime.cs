namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// A clock with an error that the harness sets and may change while the process runs. Timers and elapsed times stay right, as after a real jump of the clock.
/// </summary>
internal sealed class SkewedTime(Control control) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + control.ClockOffset;
}
