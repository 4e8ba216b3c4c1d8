using Dapper;
using FinanceIngest.SigningKeys;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IInstallationStore"/>
internal sealed class SqlServerInstallationStore(SqlServerDatabase database) : IInstallationStore
{
    // If two processes add a fact at once, the primary key stops the second one; its work is repeated and then reads the first one's.
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
