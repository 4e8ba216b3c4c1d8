using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Support;

/// <summary>Isolation without a process: messages are scored right here, and end "their process" where the test says so.</summary>
internal sealed class FakeIsolation(MessageScorer scorer, IdCertifier ids, ILeaseHolder leases) : IIsolation
{
    /// <summary>What ends the process that handles a message; null: nothing.</summary>
    public Func<LeasedMessage, string?> EndsTheProcess { get; set; } = _ => null;

    /// <summary>What else becomes of a message instead of being scored; null: nothing.</summary>
    public Func<LeasedMessage, ScoringOutcome?> Instead { get; set; } = _ => null;

    /// <summary>Why there is no isolation; null: there is.</summary>
    public string? Missing { get; set; }

    /// <summary>Messages that came here.</summary>
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

/// <summary>Leases that are held for as long as the test says so.</summary>
internal sealed class FakeLeases : ILeaseHolder
{
    public Predicate<LeasedMessage> Held { get; set; } = _ => true;

    public bool IsHeld(LeasedMessage message) => Held(message);

    public void Lose(LeasedMessage message, string stage)
    {
    }
}
