using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Sqlite;
using FinanceIngest.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Composition;

/// <summary>Looks at the files of an embedded installation before a program begins its work, so that one that it can't use ends it in one line.</summary>
public static class EmbeddedFiles
{
    /// <summary>
    /// Throws unless this program can use every file that there is. Nothing is made or changed. A file that can't be opened at the moment is an outage: whoever
    /// uses it next reports it and waits it out.
    /// </summary>
    /// <exception cref="SettingsException">
    /// A file was made by a build before 0.1.0, is of a later generation than this program knows or is none of this system; the database is so large that only
    /// <c>finance-ingest migrate</c> may bring it up to date; or the SQLite library can lose commits.
    /// </exception>
    public static async Task CheckAsync(Settings settings, TimeProvider time, CancellationToken cancellationToken)
    {
        string[] queues = [settings.PoisonQueue, settings.InboundQueue, settings.AlertQueue, settings.AlertPoisonQueue];
        foreach (string name in settings.UsesAzureQueues ? [] : queues)
        {
            SqliteLibrary.Require();
            using var queue = new EmbeddedQueue(settings.DataDirectory, name, time, new DependencyStatus(name), readsOnly: true);
            await IgnoringOutagesAsync(queue.EnsureExistsAsync(cancellationToken));
        }

        if (!settings.UsesSqlServer)
        {
            SqliteLibrary.Require();
            await IgnoringOutagesAsync(SqliteDatabase.CheckAsync(settings.DataDirectory, cancellationToken));
        }
    }

    private static async Task IgnoringOutagesAsync(Task opening)
    {
        try
        {
            await opening;
        }
        catch (Exception e) when (e is QueueUnavailableException or SqliteException or IOException or UnauthorizedAccessException)
        {
        }
    }
}
