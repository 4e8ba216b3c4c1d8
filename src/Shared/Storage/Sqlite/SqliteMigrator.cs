namespace FinanceIngest.Storage.Sqlite;

/// <summary>Opens the embedded database, which migrates itself when it is opened, and returns what that changed.</summary>
internal sealed class SqliteMigrator(SqliteDatabase database) : IDatabaseMigrator
{
    /// <inheritdoc/>
    public string Target => database.Path;

    /// <inheritdoc/>
    /// <remarks>The older system had no SQLite database.</remarks>
    public Task<MigrationOutcome> MigrateAsync(MigrationOptions options, CancellationToken cancellationToken) => options.Roles
        ? throw new MigrationException("The embedded database has no users and no roles; leave out --roles, or set SQL_CONNECTION_STRING.")
        : database.MigrateAsync(options, cancellationToken);
}
