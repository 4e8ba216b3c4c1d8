using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary>The transactions of one request, which may be spread over several messages.</summary>
/// <param name="transactions">The transactions, at least one.</param>
/// <param name="traceParent">W3C trace context of the request, if any.</param>
internal sealed class Submission(IReadOnlyList<Transaction> transactions, string? traceParent)
{
    private readonly TaskCompletionSource<Exception?[]?> _completion = new();

    // The messages of one request may end at the same time.
    private readonly Lock _gate = new();
    private Exception?[]? _failures;
    private int _open = transactions.Count;

    public IReadOnlyList<Transaction> Transactions => transactions;

    public string? TraceParent => traceParent;

    /// <summary>Null when all are durable; else, for each transaction, what its send failed with, or null.</summary>
    public Task<Exception?[]?> Completion => _completion.Task;

    /// <summary>
    /// The transactions from <paramref name="from"/> to before <paramref name="to"/> are durable or have failed. The last ones answer the request, on this
    /// thread.
    /// </summary>
    public void Complete(int from, int to, Exception? failure)
    {
        bool isLast;
        lock (_gate)
        {
            if (failure is not null)
            {
                _failures ??= new Exception?[transactions.Count];
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
