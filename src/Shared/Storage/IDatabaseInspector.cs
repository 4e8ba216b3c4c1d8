using FinanceIngest.Ground;

namespace FinanceIngest.Storage;

/// <summary>Looks at a database before anything is started, whatever its schema version. It changes nothing.</summary>
public interface IDatabaseInspector
{
    /// <summary>Reads what the database says about itself.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<DatabaseFacts> InspectAsync(CancellationToken cancellationToken);
}

/// <summary>What a database says about itself.</summary>
/// <param name="Exists">Whether there is a database; false only for an embedded one that nothing has made yet.</param>
/// <param name="Version">Its schema version; 0: it has none of this system.</param>
/// <param name="ProgramVersion">The schema version of this program.</param>
/// <param name="KeyFingerprint">Fingerprint of the installation's signing key; null when no worker has run yet.</param>
/// <param name="NewestRow">When the newest row was written, by its writer's clock (UTC); null when there is none.</param>
/// <param name="Clock">The server's clock (UTC); null where the database is a file.</param>
/// <param name="Refusal">
/// Why this program can't use the database, as the rest of a sentence that begins with its name; null when it can, as soon as its version is not older.
/// </param>
public sealed record DatabaseFacts(
    bool Exists,
    int Version,
    int ProgramVersion,
    string? KeyFingerprint = null,
    DateTime? NewestRow = null,
    DateTime? Clock = null,
    string? Refusal = null);
