using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring.Isolation;

/// <summary>How the handling of a message in isolation ended.</summary>
internal enum IsolatedEnd
{
    /// <summary>All of it is committed.</summary>
    Committed,

    /// <summary>Some of it fails by itself; the rest is committed.</summary>
    Failed,

    /// <summary>Its lease ended first; nothing more was committed.</summary>
    LeaseLost,

    /// <summary>The database can't be reached: no fault of the message.</summary>
    DatabaseUnavailable,

    /// <summary>It has ended the process that handled it, or kept it busy without an end: counts against the message.</summary>
    EndedTheProcess,

    /// <summary>It took too long while the process waited for something else: says nothing about the message.</summary>
    TookTooLong,
}

/// <summary>A transaction that could not be scored, in JSON.</summary>
internal sealed record IsolatedTransaction(Guid? Id, long? UserId, long? CategoryId, long? AmountUnits, DateTime? OccurredAt, DateTime AcceptedAt, string? Error);

/// <summary>What became of a message in isolation; the line of JSON that a child answers with.</summary>
internal sealed record IsolatedOutcome
{
    /// <summary>How it ended.</summary>
    public required IsolatedEnd End { get; init; }

    /// <summary>Why, where it is not committed.</summary>
    public string? Problem { get; init; }

    /// <summary>The exception's text.</summary>
    public string? Exception { get; init; }

    /// <summary>Of the exception what a log may tell: its types, and where.</summary>
    public string? Loggable { get; init; }

    /// <summary>What was written.</summary>
    public WriteCounts Counts { get; init; }

    /// <summary>Whether its alerts may be unsent.</summary>
    public bool MayHaveUnsentAlerts { get; init; }

    /// <summary>Whether it is a marker of unsent alerts, which is not deleted like others.</summary>
    public bool IsAlertMarker { get; init; }

    /// <summary>Why the message is poison although all of it is committed: it can't be read.</summary>
    public string? PoisonReason { get; init; }

    /// <summary>W3C trace context of the sender.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The transactions that are not scored.</summary>
    public IReadOnlyList<IsolatedTransaction> NotScored { get; init; } = [];

    /// <summary>The outcome of a message that was scored in this process.</summary>
    public static IsolatedOutcome Of(Delivery delivery, MessageOutcome outcome) => new()
    {
        End = outcome.IsLost ? IsolatedEnd.LeaseLost : outcome.Failure is null ? IsolatedEnd.Committed : IsolatedEnd.Failed,
        Problem = outcome.Failure?.Message,
        Exception = outcome.Failure?.ToString(),
        Loggable = outcome.Failure is { } failure ? FailureText.Of(failure) : null,
        Counts = outcome.Counts,
        MayHaveUnsentAlerts = outcome.MayHaveUnsentAlerts,
        IsAlertMarker = delivery.Content.IsAlertMarker,
        PoisonReason = delivery.Content.PoisonReason,
        TraceParent = delivery.Content.TraceParent,
        NotScored =
        [
            .. outcome.Bad.Select(item => new IsolatedTransaction(item.Id, item.UserId, item.CategoryId, item.Amount.Units, item.OccurredAt, item.AcceptedAt, null)),
            .. delivery.Content.Unreadable.Select(item => new IsolatedTransaction(
                item.Id, item.UserId, item.CategoryId, item.Amount?.Units, item.OccurredAt, item.AcceptedAt, item.Error)),
        ],
    };

    /// <summary>The transactions that are not scored, as their failed rows want them.</summary>
    /// <param name="reason">What is said of those that could be read.</param>
    public IEnumerable<UnreadableTransaction> Unscored(string reason) => NotScored.Select(item => new UnreadableTransaction(
        item.Id, item.UserId, item.CategoryId, item.AmountUnits is { } units ? new Money(units) : null, item.OccurredAt, item.AcceptedAt, item.Error ?? reason));
}
