namespace FinanceIngest.Storage.Sqlite;

/// <summary>The embedded database migrates itself when it is opened; this opens it and says what that did.</summary>
public sealed class SqliteMigrator(SqliteDatabase database) : IDatabaseMigrator
{
    /// <inheritdoc/>
    public string Target => database.Path;

    /// <inheritdoc/>
    /// <remarks>The older system had no SQLite database.</remarks>
    public Task<MigrationOutcome> MigrateAsync(TimeZoneInfo olderTimeZone, CancellationToken cancellationToken) => database.OpenAsync(cancellationToken);
}
