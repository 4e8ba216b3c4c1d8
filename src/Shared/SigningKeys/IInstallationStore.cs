using FinanceIngest.Ground;

namespace FinanceIngest.SigningKeys;

/// <summary>Facts about the installation that its database remembers: the table <c>installation</c>.</summary>
internal interface IInstallationStore
{
    /// <summary>Remembers a fact unless there is one under that name already; returns what is remembered.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<string> ReadOrAddAsync(string name, string value, CancellationToken cancellationToken);
}
