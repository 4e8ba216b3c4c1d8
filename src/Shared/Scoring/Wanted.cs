using FinanceIngest.Baselines;
using FinanceIngest.Learning;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>What has to be known before a batch can be scored by a detector that learns.</summary>
/// <param name="transactions">The transactions of the batch.</param>
/// <param name="usesBaselines">Whether a detector of the process uses baselines.</param>
internal sealed class Wanted(IReadOnlyList<Transaction> transactions, bool usesBaselines)
{
    /// <summary>The transactions.</summary>
    public IReadOnlyList<Transaction> Transactions => transactions;

    /// <summary>Keys of baselines.</summary>
    public IReadOnlyCollection<BaselineKey> Baselines { get; } = usesBaselines
        ? [.. transactions.Select(static transaction => new BaselineKey(transaction.UserId, transaction.CategoryId)).Distinct()]
        : [];

    /// <summary>Keys of states; the states of their users are loaded too.</summary>
    public IReadOnlyCollection<StateKey> States { get; } = [.. transactions
        .Select(static transaction => StateKey.Of(transaction.UserId, transaction.CategoryId, transaction.Amount.Units < 0)).Distinct()];

    /// <summary>Ids of the transactions.</summary>
    public IReadOnlyCollection<Guid> Ids { get; } = [.. transactions.Select(static transaction => transaction.Id).Distinct()];

    /// <summary>The users, each once.</summary>
    public IReadOnlyCollection<long> Users { get; } = [.. transactions.Select(static transaction => transaction.UserId).Distinct()];

    /// <summary>What the transactions of some of the users need.</summary>
    public Wanted Of(IReadOnlySet<long> users) => new([.. transactions.Where(transaction => users.Contains(transaction.UserId))], usesBaselines);
}
