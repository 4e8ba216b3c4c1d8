using FinanceIngest.Configuration;
using FinanceIngest.Ground;

namespace FinanceIngest.Alerts;

/// <summary>
/// Decides when <see cref="AlertDispatcher"/> looks into the outbox next: it is told how the last look ended, and answers with the next one.
/// Not safe for concurrent use.
/// </summary>
internal sealed class DispatchSchedule
{
    private static readonly TimeSpan s_untilRoutineLook = TimeSpan.FromSeconds(10);

    private readonly RetryBackoff _retry = new(TimeSpan.FromSeconds(0.5), Deadlines.AlertPause);

    /// <summary>The first look, at once: an earlier process may have left alerts unsent.</summary>
    public static NextLook First { get; } = new(TimeSpan.Zero, LookReason.EarlierProcess);

    /// <summary>The look after one that sent every alert it could claim. Failures before it no longer count.</summary>
    /// <param name="isAnyUnsent">Whether alerts remain unsent all the same: other processes have claimed them.</param>
    /// <returns>The next look: after <see cref="Deadlines.AlertClaimsOfOthers"/> while claims of others are waited for, otherwise the routine one in 10 s.</returns>
    public NextLook AfterDrain(bool isAnyUnsent)
    {
        _retry.Reset();
        return isAnyUnsent
            ? new NextLook(Deadlines.AlertClaimsOfOthers, LookReason.ClaimsOfOthers)
            : new NextLook(s_untilRoutineLook, LookReason.Routine);
    }

    /// <summary>The look after a failure of the database or of a queue.</summary>
    /// <returns>The next look: in 0.25 … 0.5 s after a first failure, the range doubling with each failure in a row up to 5 … 10 s.</returns>
    public NextLook AfterFailure() => new(_retry.Next(), LookReason.Failure);
}

/// <summary>When the dispatcher looks into the outbox next, unless it is woken before.</summary>
/// <param name="Wait">How long it waits; zero: it looks at once.</param>
/// <param name="Reason">What it waits for.</param>
internal readonly record struct NextLook(TimeSpan Wait, LookReason Reason)
{
    /// <summary>
    /// Whether the end of the wait is reason enough to ask the database. It is not for a routine look, since the database may be asleep: the dispatcher
    /// then asks the inbound queue first whether any alert can be unsent.
    /// </summary>
    public bool IsDue => Reason is not LookReason.Routine;
}

/// <summary>Why the dispatcher looks into the outbox without being woken.</summary>
internal enum LookReason
{
    /// <summary>An earlier process may have left alerts unsent.</summary>
    EarlierProcess,

    /// <summary>The last look failed.</summary>
    Failure,

    /// <summary>Other processes have claimed alerts; if one of them dies, its claims end.</summary>
    ClaimsOfOthers,

    /// <summary>Nothing was unsent, and nothing has happened since as far as this process knows.</summary>
    Routine,
}
