namespace FinanceIngest.Storage;

/// <summary>Brings the database to this program's schema version, on either engine.</summary>
public interface IDatabaseMigrator
{
    /// <summary>Which database, for people: a file's path, or server and database. Holds no secret.</summary>
    string Target { get; }

    /// <summary>Applies what is missing. Safe to repeat and beside running programs.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or is newer than this program.</exception>
    Task<MigrationOutcome> MigrateAsync(CancellationToken cancellationToken);
}

/// <summary>What a migration found and did.</summary>
/// <param name="VersionBefore">0 for a database without a schema.</param>
/// <param name="VersionAfter">This program's version.</param>
/// <param name="Applied">Names of the scripts that were applied, in order; empty when there was nothing to do.</param>
public sealed record MigrationOutcome(int VersionBefore, int VersionAfter, IReadOnlyList<string> Applied);
