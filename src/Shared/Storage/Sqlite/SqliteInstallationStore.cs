using FinanceIngest.SigningKeys;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IInstallationStore"/>
internal sealed class SqliteInstallationStore(SqliteDatabase database) : IInstallationStore
{
    /// <inheritdoc/>
    public Task<string> ReadOrAddAsync(string name, string value, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.Execute("INSERT INTO installation (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING", ("@name", name), ("@value", value));
            return session.Scalar<string>("SELECT value FROM installation WHERE name = @name", ("@name", name))!;
        },
        cancellationToken);
}
