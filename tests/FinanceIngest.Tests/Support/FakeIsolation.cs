using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Support;

/// <summary>Isolation without a process: it scores messages in the test's process, and the test decides which of them would have ended their own.</summary>
internal sealed class FakeIsolation(MessageScorer scorer, IdCertifier ids, ILeaseHolder leases) : IIsolation
{
    /// <summary>Returns how the message ends its process; null when it does not.</summary>
    public Func<LeasedMessage, string?> EndsTheProcess { get; set; } = _ => null;

    /// <summary>Returns an outcome that replaces scoring; null when the message is scored.</summary>
    public Func<LeasedMessage, ScoringOutcome?> Instead { get; set; } = _ => null;

    /// <summary>The reason why isolation is not available; null when it is.</summary>
    public string? Missing { get; set; }

    /// <summary>How many messages were handed over for isolation.</summary>
    public int Handled { get; private set; }

    public IIsolatedScorer Open() => new Place(this);

    private sealed class Place(FakeIsolation isolation) : IIsolatedScorer
    {
        public Task<string?> PrepareAsync(CancellationToken cancellationToken) => Task.FromResult(isolation.Missing);

        public async Task<ScoringOutcome> ScoreAsync(LeasedMessage message, long heldUntil, CancellationToken cancellationToken)
        {
            isolation.Handled++;
            return isolation.EndsTheProcess(message) is { } how ? new ScoringOutcome { End = ScoringEnd.EndedTheProcess, Failure = new ScoringFailure(how) }
                : isolation.Instead(message) is { } outcome ? outcome
                : await isolation.ScoreAsync(message, cancellationToken);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private async Task<ScoringOutcome> ScoreAsync(LeasedMessage message, CancellationToken cancellationToken)
    {
        return await scorer.ScoreAsync(new EnvelopeReader("transactions-inbound", ids).Read(message), leases, cancellationToken);
    }
}

/// <summary>Leases that are held unless the test says otherwise.</summary>
internal sealed class FakeLeases : ILeaseHolder
{
    public Predicate<LeasedMessage> Held { get; set; } = _ => true;

    public bool IsHeld(LeasedMessage message) => Held(message);

    public void Lose(LeasedMessage message, string stage)
    {
    }
}
