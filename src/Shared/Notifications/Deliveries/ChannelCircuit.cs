namespace FinanceIngest.Notifications.Deliveries;

/// <summary>
/// The circuit breaker of a channel: after some failures of the channel itself it is left alone for a time that doubles, and then one message tries it. A
/// failure of one receiver alone is no failure of the channel. Not safe for concurrent use.
/// </summary>
/// <param name="state">What was known before.</param>
internal sealed class ChannelCircuit(CircuitState state)
{
    /// <summary>Failures in a row after which the channel is left alone.</summary>
    public const int Most = 5;

    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(5);

    /// <summary>What is known now.</summary>
    public CircuitState State { get; private set; } = state;

    /// <summary>Whether the channel is tried by one message only, because it has failed before.</summary>
    public bool IsTrial => State.Failures >= Most;

    /// <summary>Whether the channel is to be left alone.</summary>
    public bool IsOpen(DateTime now) => State.OpenUntil > now;

    /// <summary>A message was taken by the channel.</summary>
    public void Succeeded() => State = default;

    /// <summary>The channel could not be reached, or did not work.</summary>
    public void Failed(DateTime now)
    {
        int failures = State.Failures + 1;
        TimeSpan pause = failures < Most ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(s_longest.Ticks, s_first.Ticks << Math.Min(failures - Most, 10)));
        State = new CircuitState(failures, pause > TimeSpan.Zero ? now + pause : null);
    }
}
