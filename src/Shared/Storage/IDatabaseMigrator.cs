using FinanceIngest.Ground;

namespace FinanceIngest.Storage;

/// <summary>Brings a database of either engine to this program's schema version.</summary>
public interface IDatabaseMigrator
{
    /// <summary>The database as people name it: a file's path, or server and database. Contains no secret.</summary>
    string Target { get; }

    /// <summary>
    /// Applies the missing migrations and takes over the tables of the older system. The migration may be repeated, and may run beside running programs.
    /// </summary>
    /// <param name="options">Choices that depend on the database.</param>
    /// <param name="cancellationToken">Cancels the migration. Steps that were applied stay, and the next migration goes on behind them.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    /// <exception cref="MigrationException">
    /// The database is of a later generation than this program knows, the tables are neither this system's nor the older one's, or the engine does not have
    /// what the options ask for.
    /// </exception>
    Task<MigrationOutcome> MigrateAsync(MigrationOptions options, CancellationToken cancellationToken);
}

/// <summary>Choices of a migration that depend on the database.</summary>
public sealed record MigrationOptions
{
    /// <summary>The time zone of the older system's local times; it is UTC on Azure SQL.</summary>
    public TimeZoneInfo OlderTimeZone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>Whether to create the roles of intake, worker and operator, and grant each of them the rights that it needs.</summary>
    public bool Roles { get; init; }

    /// <summary>Is told of each step before it begins; null: nobody asks.</summary>
    public Action<MigrationStep>? Begins { get; init; }
}

/// <summary>A step of a migration that is about to begin.</summary>
/// <param name="Number">1 for the first of the steps that this migration applies.</param>
/// <param name="Of">How many steps this migration applies.</param>
/// <param name="Name">Name of the step's script.</param>
/// <param name="Transactions">About how many transactions the database has, which decides how long a step takes.</param>
public sealed record MigrationStep(int Number, int Of, string Name, long Transactions);

/// <summary>What a migration found and did.</summary>
/// <param name="VersionBefore">0 for a database without a schema.</param>
/// <param name="VersionAfter">This program's version, or that of a database that a later program has migrated.</param>
/// <param name="Applied">Names of the scripts that were applied, in order; empty when there was nothing to do.</param>
/// <param name="OlderSystem">What was taken over from the older system; null if the database had no table of it.</param>
public sealed record MigrationOutcome(int VersionBefore, int VersionAfter, IReadOnlyList<string> Applied, OlderSystemReport? OlderSystem = null);
