namespace FinanceIngest.Storage;

/// <summary>This program can't migrate the database, of which nothing was changed.</summary>
public sealed class MigrationException(string message) : Exception(message);
