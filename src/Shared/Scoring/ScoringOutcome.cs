using System.Text.Json.Serialization;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Results;

namespace FinanceIngest.Scoring;

/// <summary>How the scoring of messages ended.</summary>
internal enum ScoringEnd
{
    /// <summary>All of it is committed.</summary>
    Committed,

    /// <summary>Some of the message fails by itself; the rest is committed.</summary>
    Failed,

    /// <summary>The message's lease ended before all of it was committed: the message is another worker's now.</summary>
    LeaseLost,

    /// <summary>The database can't be reached, which is no fault of the message.</summary>
    DatabaseUnavailable,

    /// <summary>The message has ended the process that handled it, or kept it busy without an end: this counts against the message.</summary>
    EndedTheProcess,

    /// <summary>
    /// Scoring took too long while its process waited for something else, or no child process could be started for it: this says nothing about the message.
    /// </summary>
    TookTooLong,
}

/// <summary>Why a message was not scored.</summary>
/// <param name="Reason">For operators. Where it comes from an exception it may quote data: <paramref name="Loggable"/> is then set, and a log gets that
/// instead.</param>
/// <param name="Exception">The exception's text, which may quote data too.</param>
/// <param name="Loggable">The exception as a log may tell it: its types, and where it was thrown.</param>
internal sealed record ScoringFailure(string Reason, string? Exception = null, string? Loggable = null)
{
    /// <summary>The most characters of an exception's text, stack trace included, that are kept and logged.</summary>
    public const int LongestException = 8000;

    /// <summary>Describes an exception.</summary>
    public static ScoringFailure Of(Exception exception) => new(
        SafeText.Cut(exception.Message, Delivery.LongestReason),
        SafeText.Cut(exception.ToString(), LongestException),
        SafeText.Cut(FailureText.Of(exception), LongestException));
}

/// <summary>
/// What became of messages: of a batch that was scored together, or of one message that was scored alone. A child process answers with the latter as a line of
/// JSON.
/// </summary>
internal sealed record ScoringOutcome
{
    /// <summary>How the scoring ended.</summary>
    public ScoringEnd End { get; init; }

    /// <summary>What was written.</summary>
    public WriteCounts Counts { get; init; }

    /// <summary>
    /// Whether alerts of these messages may be unsent: there are anomalies among them, or repeats, which may have been anomalies when they were written.
    /// </summary>
    public bool MayHaveUnsentAlerts { get; init; }

    /// <summary>
    /// The deliveries that this outcome covers. Of a batch: those whose lease had not ended by the commit; nothing was written for the others. A child process
    /// leaves them out, because its parent has the message (<see cref="For"/>).
    /// </summary>
    [JsonIgnore]
    public IReadOnlyList<Delivery> Deliveries { get; init; } = [];

    /// <summary>Why a message that was scored alone is not committed as a whole.</summary>
    public ScoringFailure? Failure { get; init; }

    /// <summary>Why a message that was scored alone is poison although all of it is committed: it can't be read.</summary>
    public string? PoisonReason { get; init; }

    /// <summary>W3C trace context of the sender of a message that was scored alone.</summary>
    public string? TraceParent { get; init; }

    /// <summary>
    /// The transactions of a message scored alone that are not scored. Where one could not be read, its <see cref="FailedTransaction.Error"/> says why, and its
    /// failed row is among <see cref="Counts"/>.
    /// </summary>
    public IReadOnlyList<FailedTransaction> NotScored { get; init; } = [];

    /// <summary>A child's outcome, for the message that was handed to it and that this process has not read.</summary>
    public ScoringOutcome For(LeasedMessage message) =>
        this with { Deliveries = [new Delivery(message) { TraceParent = TraceParent, PoisonReason = PoisonReason }] };

    /// <summary>The transactions that are not scored, as their failed rows have them.</summary>
    /// <param name="reason">What is said of a transaction that could be read.</param>
    public IEnumerable<FailedTransaction> FailedWith(string reason) => NotScored.Select(item => item with { Error = item.Error ?? reason });
}
