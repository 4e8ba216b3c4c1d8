using FinanceIngest.Ground;

namespace FinanceIngest.Storage;

/// <summary>Brings the database to this program's schema version, on either engine.</summary>
public interface IDatabaseMigrator
{
    /// <summary>Which database, for people: a file's path, or server and database. Holds no secret.</summary>
    string Target { get; }

    /// <summary>Applies what is missing, and takes over the tables of the older system. Safe to repeat and beside running programs.</summary>
    /// <param name="options">What is not the same for every database.</param>
    /// <param name="cancellationToken">Gives up; nothing is changed then.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or is newer than this program.</exception>
    /// <exception cref="MigrationException">Its tables are neither this system's nor the older one's, or it can't have what the options ask for.</exception>
    Task<MigrationOutcome> MigrateAsync(MigrationOptions options, CancellationToken cancellationToken);
}

/// <summary>What is not the same for every database.</summary>
public sealed record MigrationOptions
{
    /// <summary>The time zone of the older system's local times; Azure SQL keeps UTC.</summary>
    public TimeZoneInfo OlderTimeZone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>Whether to make the roles of intake, worker and operator, and grant each what it needs.</summary>
    public bool Roles { get; init; }
}

/// <summary>What a migration found and did.</summary>
/// <param name="VersionBefore">0 for a database without a schema.</param>
/// <param name="VersionAfter">This program's version.</param>
/// <param name="Applied">Names of the scripts that were applied, in order; empty when there was nothing to do.</param>
/// <param name="OlderSystem">What was taken over from the older system, if anything of it was there.</param>
public sealed record MigrationOutcome(int VersionBefore, int VersionAfter, IReadOnlyList<string> Applied, OlderSystemReport? OlderSystem = null);
