using FinanceIngest.SigningKeys;

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
}
