using FinanceIngest.SigningKeys;
using FinanceIngest.Sqlite;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IInstallationStore"/>
internal sealed class SqliteInstallationStore(SqliteDatabase database) : IInstallationStore
{
    /// <inheritdoc/>
    public Task<string> ReadOrAddAsync(string name, string value, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.Execute("INSERT INTO installation (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING", name, value);
            return session.Single("SELECT value FROM installation WHERE name = ?1", row => row.GetString(0), name);
        },
        cancellationToken);

    /// <summary>
    /// Reads a value before any service is there; null: there is no database, none of this schema, or no such value, or it can't be read now. Nothing is made.
    /// </summary>
    /// <param name="dataDirectory">The folder of the database.</param>
    /// <param name="name">The value's name.</param>
    public static string? Remembered(string dataDirectory, string name)
    {
        using var file = new SqliteFile(Path.Combine(dataDirectory, SqliteDatabase.FileName), SqliteDatabase.Mark, static _ => { }, static _ => { });
        try
        {
            return file.ReadAsync(
                session => session.Number("SELECT count(*) FROM sqlite_master WHERE name = 'installation'") == 0
                    ? null
                    : session.FirstOrDefault("SELECT value FROM installation WHERE name = ?1", row => row.GetString(0), name),
                CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            // Whoever uses the database says what is wrong with it.
            return null;
        }
    }
}
