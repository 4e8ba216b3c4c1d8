using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.SigningKeys;
using FinanceIngest.Sqlite;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Backup;

/// <summary>Puts an embedded installation back from a file of <see cref="EmbeddedBackup"/>.</summary>
/// <remarks>
/// Content is replaced inside the present files, under locks that no running program can share, so that a program that starts meanwhile waits or ends, and
/// never writes to a file that is no longer the installation's. While the files are replaced one after the other, a marker keeps every program from opening
/// them: a restore that was interrupted has to be run again, and that finishes it.
/// </remarks>
public static class EmbeddedRestore
{
    // Positions in the feed are numbered anew in a range of their own, so that no cursor from before the restore names a place in it.
    private const int PositionBits = 40;
    private const int EpochBits = 22;

    /// <summary>Whether the data directory holds an installation, which a restore would replace.</summary>
    public static bool WouldReplace(Settings settings) =>
        File.Exists(Path.Combine(settings.DataDirectory, SqliteDatabase.FileName))
        || File.Exists(Path.Combine(settings.DataDirectory, SigningKeyFile.FileName))
        || (Directory.Exists(settings.DataDirectory) && Directory.GetFiles(settings.DataDirectory, "queue-*.db").Length > 0);

    /// <summary>Reads what a backup says about itself, and checks that every byte of it is as it was written.</summary>
    /// <exception cref="BackupException">It can't be read, is no backup, is damaged, or needs a later program.</exception>
    public static async Task<BackupManifest> VerifyAsync(string path, CancellationToken cancellationToken)
    {
        // What the files are is seen when they are unpacked: a later program's schema may be one that this program can use.
        return await BackupArchive.VerifyAsync(path, cancellationToken);
    }

    /// <summary>Replaces what is in the data directory by a backup.</summary>
    /// <param name="settings">The settings of the installation.</param>
    /// <param name="path">A backup that <see cref="VerifyAsync"/> accepted.</param>
    /// <param name="manifest">Its answer.</param>
    /// <param name="cancellationToken">Abandons the restore before it has changed anything.</param>
    /// <exception cref="BackupException">A program is running on the data directory, or the files can't be replaced.</exception>
    public static async Task RunAsync(Settings settings, string path, BackupManifest manifest, CancellationToken cancellationToken)
    {
        EmbeddedBackup.RequireEmbedded(settings);
        string directory = settings.DataDirectory;
        string work = Path.Combine(directory, $"restore-{Guid.NewGuid():N}");
        string marker = Path.Combine(directory, SqliteFile.HalfRestored);
        var holds = new Dictionary<string, SqliteHold>();
        bool isNew = !Directory.Exists(directory);
        try
        {
            PrivateFiles.CreateFolder(directory);
            TakeAll(directory, holds);
            PrivateFiles.CreateFolder(work);
            await BackupArchive.UnpackAsync(path, manifest, work, cancellationToken);
            CheckUnpacked(settings, work, manifest, path);

            // From here on the restore is not abandoned any more.
            PrivateFiles.Ensure(marker);
            Replace(directory, work, manifest, holds);
            File.Delete(marker);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new BackupException(
                File.Exists(marker)
                    ? $"The restore into {directory} was interrupted ({e.Message}) and no program will start on it; run it again."
                    : $"Nothing was restored into {directory}: {e.Message}",
                e);
        }
        finally
        {
            foreach (SqliteHold hold in holds.Values)
            {
                hold.Dispose();
            }

            EmbeddedBackup.Discard(work);
            if (isNew && Directory.Exists(directory) && Directory.GetFileSystemEntries(directory).Length == 0)
            {
                Directory.Delete(directory);
            }
        }
    }

    private static void TakeAll(string directory, Dictionary<string, SqliteHold> holds)
    {
        var damaged = new List<string>();
        foreach (string file in Directory.GetFiles(directory, "*.db").Where(IsOurs).Order(StringComparer.Ordinal))
        {
            try
            {
                holds.Add(Path.GetFileName(file), SqliteHold.TryTake(file) ?? throw new BackupException(
                    $"A program is running on {directory} ({Path.GetFileName(file)} is open): stop it first. Nothing was changed."));
            }
            catch (SqliteException e) when (e.SqliteErrorCode is SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT)
            {
                damaged.Add(file);
            }
        }

        // A file that SQLite can't open is in nobody's use. It is kept, for whoever wants to look at it.
        foreach (string part in damaged.SelectMany(file => new[] { file + "-wal", file + "-shm", file + "-journal", file }).Where(File.Exists))
        {
            File.Move(part, $"{part}.damaged", overwrite: true);
        }
    }

    private static bool IsOurs(string file) =>
        Path.GetFileName(file) is SqliteDatabase.FileName || Path.GetFileName(file).StartsWith("queue-", StringComparison.Ordinal);

    private static void CheckUnpacked(Settings settings, string work, BackupManifest manifest, string path)
    {
        string? fingerprint = null;
        foreach (BackupEntry entry in manifest.Files.Where(entry => entry.Name.EndsWith(".db", StringComparison.Ordinal)))
        {
            using var session = new SqliteSession(SqliteCopy.Open(Path.Combine(work, entry.Name), SqliteOpenMode.ReadWrite));
            SqliteCopy.Check(session, $"{entry.Name} in {path}");
            string? refusal = session.Number("SELECT count(*) FROM sqlite_master") == 0 ? null
                : entry.Name == SqliteDatabase.FileName ? SqliteDatabase.RefusalOf(session)
                : EmbeddedQueue.Mark.Refusal(session);
            EmbeddedBackup.Refuse(refusal is null, $"Nothing was restored: {entry.Name} in {path} {refusal}");
            fingerprint = entry.Name == SqliteDatabase.FileName ? EmbeddedBackup.FingerprintIn(session) : fingerprint;
        }

        string key = Path.Combine(work, SigningKeyFile.FileName);
        string? secret = settings.IdSigningKey ?? (File.Exists(key) ? File.ReadAllText(key).Trim() : null);
        EmbeddedBackup.Refuse(
            fingerprint is null || (secret is not null && new IdCertifier(secret, TimeProvider.System).Fingerprint == fingerprint),
            (secret is null ? $"{path} has no signing key of its own"
                : settings.IdSigningKey is null ? $"The signing key in {path} is not the one under which its ids were issued"
                : $"FinanceIngest__IdSigningKey is not the key under which the ids in {path} were issued")
                    + "; set FinanceIngest__IdSigningKey to the key with which that installation was made.");
    }

    private static void Replace(string directory, string work, BackupManifest manifest, Dictionary<string, SqliteHold> holds)
    {
        foreach (BackupEntry entry in manifest.Files.Where(entry => entry.Name.EndsWith(".db", StringComparison.Ordinal)))
        {
            string target = Path.Combine(directory, entry.Name);
            if (!holds.TryGetValue(entry.Name, out SqliteHold? hold))
            {
                PrivateFiles.Ensure(target);
                hold = SqliteHold.TryTake(target) ?? throw new IOException($"a program has opened {target} meanwhile.");
                holds.Add(entry.Name, hold);
            }

            using (SqliteConnection source = SqliteCopy.Open(Path.Combine(work, entry.Name), SqliteOpenMode.ReadOnly))
            {
                SqliteCopy.Copy(source.Handle!, hold.Session.Handle);
            }

            if (entry.Name == SqliteDatabase.FileName)
            {
                RenumberFeed(hold.Session);
            }
        }

        // A queue of the replaced installation that the backup does not know holds messages of another history.
        foreach ((string name, SqliteHold hold) in holds.Where(held => !manifest.Files.Any(entry => entry.Name == held.Key)))
        {
            Empty(name, hold.Session);
        }

        if (manifest.Files.Any(entry => entry.Name == SigningKeyFile.FileName))
        {
            File.Move(Path.Combine(work, SigningKeyFile.FileName), Path.Combine(directory, SigningKeyFile.FileName), overwrite: true);
        }
    }

    private static void RenumberFeed(SqliteSession session)
    {
        const long range = 1L << PositionBits;
        session.InTransaction(() =>
        {
            long present = session.Number("SELECT coalesce(max(position), 0) FROM feed_batches") >> PositionBits;
            long next;
            do
            {
                next = System.Security.Cryptography.RandomNumberGenerator.GetInt32(1, 1 << EpochBits);
            }
            while (next == present);

            session.Execute("UPDATE feed_batches SET position = position % ?1 + ?2", range, next << PositionBits);
        });
    }

    private static void Empty(string name, SqliteSession session)
    {
        if (name != SqliteDatabase.FileName && session.Number("SELECT count(*) FROM sqlite_master WHERE name = 'messages'") > 0)
        {
            session.InTransaction(() =>
            {
                session.Execute("DELETE FROM messages");
                session.Execute("DELETE FROM texts");
            });
        }
    }
}
