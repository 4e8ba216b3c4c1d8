using Dapper;
using FinanceIngest.SigningKeys;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IInstallationStore"/>
internal sealed class SqlServerInstallationStore(SqlServerDatabase database) : IInstallationStore
{
    // Where two processes add at once, the key stops the second, whose work is repeated and then reads.
    internal const string ReadOrAddSql =
        """
        SET NOCOUNT ON;
        INSERT INTO installation (name, value) SELECT @name, @value WHERE NOT EXISTS (SELECT 1 FROM installation WHERE name = @name);
        SELECT value FROM installation WHERE name = @name;
        """;

    /// <inheritdoc/>
    public Task<string> ReadOrAddAsync(string name, string value, CancellationToken cancellationToken) => database.RunAsync(
        async connection => (await connection.ExecuteScalarAsync<string>(
            new CommandDefinition(ReadOrAddSql, new { name, value }, cancellationToken: cancellationToken)))!,
        cancellationToken);
}
