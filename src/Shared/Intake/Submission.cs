using FinanceIngest.Commands;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary>What one request puts on the queue, transactions or commands, which may be spread over several messages.</summary>
internal sealed class Submission
{
    private readonly IReadOnlyList<Transaction> _transactions = [];
    private readonly IReadOnlyList<Command> _commands = [];

    private readonly TaskCompletionSource<Exception?[]?> _completion = new();

    // The messages of one request may end at the same time.
    private readonly Lock _gate = new();
    private Exception?[]? _failures;
    private int _open;

    /// <param name="transactions">The transactions, at least one.</param>
    /// <param name="traceParent">W3C trace context of the request, if any.</param>
    public Submission(IReadOnlyList<Transaction> transactions, string? traceParent)
    {
        _transactions = transactions;
        _open = Count = transactions.Count;
        TraceParent = traceParent;
    }

    /// <param name="commands">The commands, at least one.</param>
    /// <param name="traceParent">W3C trace context of the request, if any.</param>
    public Submission(IReadOnlyList<Command> commands, string? traceParent)
    {
        _commands = commands;
        _open = Count = commands.Count;
        TraceParent = traceParent;
    }

    /// <summary>How many items there are.</summary>
    public int Count { get; }

    public string? TraceParent { get; }

    /// <summary>Null when all are durable; else, for each item, what its send failed with, or null.</summary>
    public Task<Exception?[]?> Completion => _completion.Task;

    /// <summary>Adds an item to a message; false: it does not fit, or the message holds items of another kind.</summary>
    public bool TryAddTo(EnvelopeBuilder envelope, int index) =>
        _commands.Count > 0 ? envelope.TryAdd(_commands[index]) : envelope.TryAdd(_transactions[index]);

    /// <summary>
    /// The items from <paramref name="from"/> to before <paramref name="to"/> are durable or have failed. The last ones answer the request, on this
    /// thread.
    /// </summary>
    public void Complete(int from, int to, Exception? failure)
    {
        bool isLast;
        lock (_gate)
        {
            if (failure is not null)
            {
                _failures ??= new Exception?[Count];
                _failures.AsSpan(from, to - from).Fill(failure);
            }

            _open -= to - from;
            isLast = _open == 0;
        }

        if (isLast)
        {
            _completion.TrySetResult(_failures);
        }
    }
}
