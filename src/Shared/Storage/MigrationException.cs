namespace FinanceIngest.Storage;

/// <summary>The database is not one that this program can bring to its version. Nothing of it was changed.</summary>
public sealed class MigrationException(string message) : Exception(message);
