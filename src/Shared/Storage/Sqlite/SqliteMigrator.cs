namespace FinanceIngest.Storage.Sqlite;

/// <summary>The embedded database migrates itself when it is opened; this opens it and says what that did.</summary>
public sealed class SqliteMigrator(SqliteDatabase database) : IDatabaseMigrator
{
    /// <inheritdoc/>
    public string Target => database.Path;

    /// <inheritdoc/>
    public Task<MigrationOutcome> MigrateAsync(CancellationToken cancellationToken) => database.OpenAsync(cancellationToken);
}
