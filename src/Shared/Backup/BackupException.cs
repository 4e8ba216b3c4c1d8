namespace FinanceIngest.Backup;

/// <summary>A backup or restore that can't be done; its message says why in one sentence, and nothing was changed unless it says so.</summary>
public sealed class BackupException(string message, Exception? cause = null) : Exception(message, cause);
