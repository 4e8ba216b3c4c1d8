using System.Collections.Concurrent;

namespace FinanceIngest.Chaos.Load;

/// <summary>Records the answers that clients got: acknowledged transactions with their ids, refusals, and violations of the API's promises.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentDictionary<string, (Submission Submission, Guid Id)> _acknowledged = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _violations = new();
    private long _refusals;
    private long _repeats;

    public IReadOnlyDictionary<string, (Submission Submission, Guid Id)> Acknowledged => _acknowledged;

    public int Count => _acknowledged.Count;

    /// <summary>Answers that were no acknowledgement, and connections that ended without an answer.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>Acknowledgements of transactions that were acknowledged before.</summary>
    public long Repeats => Interlocked.Read(ref _repeats);

    /// <summary>Promises that were broken while the load ran.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    public void Acknowledge(Submission submission, Guid id)
    {
        if (_acknowledged.TryAdd(submission.Key, (submission, id)))
        {
            return;
        }

        Interlocked.Increment(ref _repeats);
        if (_acknowledged[submission.Key].Id is { } first && first != id)
        {
            _violations.Enqueue($"key {submission.Key} was acknowledged as {first} and as {id}");
        }
    }

    public void Refuse() => Interlocked.Increment(ref _refusals);

    public void Violate(string what) => _violations.Enqueue(what);
}
