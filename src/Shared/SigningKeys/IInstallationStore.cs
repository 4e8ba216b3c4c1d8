using FinanceIngest.Ground;

namespace FinanceIngest.SigningKeys;

/// <summary>Facts about the installation, kept in the table <c>installation</c> of its database.</summary>
internal interface IInstallationStore
{
    /// <summary>Stores a value under a name unless the name has one already; returns the value that is stored afterwards.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<string> ReadOrAddAsync(string name, string value, CancellationToken cancellationToken);
}
