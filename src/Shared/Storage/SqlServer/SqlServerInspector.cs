using System.Data.Common;
using Dapper;
using FinanceIngest.SigningKeys;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IDatabaseInspector"/>
internal sealed class SqlServerInspector(SqlServerDatabase database) : IDatabaseInspector
{
    internal const string VersionSql =
        """
        IF OBJECT_ID('schema_migrations', 'U') IS NULL SELECT 0, SYSUTCDATETIME(), 1;
        ELSE SELECT COALESCE(MAX(version), 0), SYSUTCDATETIME(), CASE WHEN COL_LENGTH('schema_migrations', 'generation') IS NULL THEN 0 ELSE 1 END
            FROM schema_migrations;
        """;

    internal const string FactsSql =
        """
        SELECT (SELECT value FROM installation WHERE name = @name), (SELECT TOP (1) created_at FROM anomaly_transactions ORDER BY id DESC);
        """;

    /// <inheritdoc/>
    public Task<DatabaseFacts> InspectAsync(CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            IReadOnlyList<MigrationScript> scripts = MigrationScript.Of("SqlServer");
            int programVersion = scripts[^1].Version;
            int version;
            DateTime clock;
            bool isReleased;
            await using (DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(VersionSql, cancellationToken: cancellationToken)))
            {
                await reader.ReadAsync(cancellationToken);
                version = reader.GetInt32(0);
                clock = SqlServerRows.Time(reader, 1)!.Value;
                isReleased = reader.GetInt32(2) == 1;
            }

            if (!isReleased)
            {
                return new DatabaseFacts(Exists: true, version, programVersion, Clock: clock, Refusal: SqlServerMigrator.Unreleased);
            }

            if (version == 0)
            {
                return new DatabaseFacts(Exists: true, 0, programVersion, Clock: clock);
            }

            int generation = await connection.ExecuteScalarAsync<int>(
                new CommandDefinition(SqlServerMigrator.GenerationSql, cancellationToken: cancellationToken));
            if (SchemaRule.Refusal(generation, scripts) is { } refusal)
            {
                return new DatabaseFacts(Exists: true, version, programVersion, Clock: clock, Refusal: refusal);
            }

            await using DbDataReader facts = await connection.ExecuteReaderAsync(
                new CommandDefinition(FactsSql, new { name = SigningKeyCheck.Name }, cancellationToken: cancellationToken));
            await facts.ReadAsync(cancellationToken);
            return new DatabaseFacts(
                Exists: true, version, programVersion, SqlServerRows.Text(facts, 0), SqlServerRows.Time(facts, 1), clock);
        },
        cancellationToken);
}
