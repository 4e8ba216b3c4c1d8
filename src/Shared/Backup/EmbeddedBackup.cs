using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.SigningKeys;
using FinanceIngest.Sqlite;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Backup;

/// <summary>Writes an embedded installation, its signing key included, to one file, beside the programs that use it.</summary>
/// <remarks>
/// Each file is copied as it was at one instant of its own, and the order of these instants is what makes the whole consistent. A message leaves a queue only
/// after what became of it is durable elsewhere, so a queue is copied before the place to which its messages lead: the inbound queue before the database,
/// the database (with its outbox) before the alert queue. A transaction or alert is then in the backup once or twice, never not at all, and twice is harmless:
/// an id has one row and an alert one id. The poison queue comes first, because redriving leads from it to the inbound queue; the way to it is covered by
/// the records in the database, which hold the texts.
/// </remarks>
public static class EmbeddedBackup
{
    /// <summary>Writes the backup. The file appears complete and durable, or not at all.</summary>
    /// <param name="settings">The settings of the installation.</param>
    /// <param name="path">The backup; its folder exists.</param>
    /// <param name="overwrite">Whether a file that exists is replaced.</param>
    /// <param name="time">Clock of the manifest.</param>
    /// <param name="cancellationToken">Abandons the backup, of which nothing remains.</param>
    /// <exception cref="BackupException">There is nothing to back up, it can't be read, or the backup can't be written.</exception>
    /// <exception cref="SettingsException">A file of the installation is not one that this program can use.</exception>
    public static async Task<BackupManifest> WriteAsync(
        Settings settings, string path, bool overwrite, TimeProvider time, CancellationToken cancellationToken)
    {
        string target = Path.GetFullPath(path);
        RequireEmbedded(settings);
        Refuse(File.Exists(Path.Combine(settings.DataDirectory, SqliteDatabase.FileName)), $"There is no database in {settings.DataDirectory} to back up.");
        Refuse(overwrite || !File.Exists(target), $"{target} exists already; give another name, or --overwrite.");
        string work = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            PrivateFiles.CreateFolder(work);
            BackupManifest manifest = await CopyAsync(settings, work, time, cancellationToken);
            string archive = Path.Combine(work, "archive");
            await BackupArchive.WriteAsync(archive, manifest, work, cancellationToken);
            File.Move(archive, target, overwrite);
            return manifest;
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new BackupException($"{target} was not written: {e.Message}", e);
        }
        finally
        {
            Discard(work);
        }
    }

    internal static void RequireEmbedded(Settings settings) => Refuse(
        !settings.UsesSqlServer,
        "The database of these settings is SQL Server, which has backups of its own (docs/operations.md says what else to keep); "
            + "this command is for the embedded one.");

    internal static void Discard(string folder)
    {
        try
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What remains is private, and the outcome of the command says more.
        }
    }

    private static async Task<BackupManifest> CopyAsync(Settings settings, string folder, TimeProvider time, CancellationToken cancellationToken)
    {
        DateTime start = time.UtcNowMicroseconds();
        var names = new List<string>();
        (int Version, string? Fingerprint) database = default;
        foreach (string name in InOrder(settings))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string source = Path.Combine(settings.DataDirectory, name);
            string copy = Path.Combine(folder, name);
            if (name == SqliteDatabase.FileName)
            {
                database = SqliteCopy.Take(source, SqliteDatabase.Mark, copy, session =>
                {
                    SqliteDatabase.RequireGeneration(session, source);
                    return (SqliteDatabase.StateOf(session).Version, FingerprintIn(session));
                });
            }
            else
            {
                SqliteCopy.Take(source, EmbeddedQueue.Mark, copy, _ => 0);
            }

            names.Add(name);
        }

        string signingKey = Path.Combine(settings.DataDirectory, SigningKeyFile.FileName);
        if (File.Exists(signingKey))
        {
            await using FileStream key = PrivateFiles.CreateNew(Path.Combine(folder, SigningKeyFile.FileName));
            byte[] secret = await File.ReadAllBytesAsync(signingKey, cancellationToken);
            await key.WriteAsync(secret, cancellationToken);
            names.Add(SigningKeyFile.FileName);
        }

        var files = new List<BackupEntry>();
        foreach (string name in names)
        {
            files.Add(await BackupArchive.DescribeAsync(folder, name, cancellationToken));
        }

        return new BackupManifest(start, database.Version, database.Fingerprint, files);
    }

    // Queues that only some later program has come last, since their messages come from the others.
    private static IEnumerable<string> InOrder(Settings settings)
    {
        string[] first =
        [
            EmbeddedQueue.FileOf(settings.PoisonQueue), EmbeddedQueue.FileOf(settings.InboundQueue), SqliteDatabase.FileName,
            EmbeddedQueue.FileOf(settings.AlertQueue),
        ];
        string[] queues = [.. Directory.GetFiles(settings.DataDirectory, "queue-*.db").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        return settings.UsesAzureQueues
            ? [SqliteDatabase.FileName]
            : first.Where(name => File.Exists(Path.Combine(settings.DataDirectory, name))).Concat(queues.Except(first));
    }

    internal static string? FingerprintIn(SqliteSession session) =>
        session.FirstOrDefault("SELECT value FROM installation WHERE name = ?1", row => row.GetString(0), SigningKeyCheck.Name);

    internal static void Refuse(bool isFine, string problem)
    {
        if (!isFine)
        {
            throw new BackupException(problem);
        }
    }
}
