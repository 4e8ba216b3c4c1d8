using System.Text.RegularExpressions;
using Dapper;
using FinanceIngest.Ground;
using FinanceIngest.SigningKeys;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// Brings a database to this program's schema version. Several migrators may run at once: the second waits for the first and finds nothing to do.
/// </summary>
internal sealed partial class SqlServerMigrator(SqlServerDatabase database, IdCertifier ids, TimeProvider time) : IDatabaseMigrator
{
    /// <summary>Seconds that one statement may take, and that a migrator waits for another.</summary>
    private const int Patience = 1800;

    internal const string LockSql =
        """
        DECLARE @result INT;
        EXEC @result = sp_getapplock @Resource = 'finance-ingest schema', @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = @timeout;
        SELECT @result;
        """;

    internal const string JournalSql =
        """
        IF OBJECT_ID('schema_migrations', 'U') IS NULL
            CREATE TABLE schema_migrations (
                version INT NOT NULL CONSTRAINT schema_migrations_pk PRIMARY KEY,
                name NVARCHAR(200) NOT NULL,
                applied_at DATETIME2(6) NOT NULL,
                generation INT NOT NULL
            );
        """;

    // The journal of a build from before the first release has no generation.
    internal const string VersionSql =
        "SELECT COALESCE(MAX(version), 0), CASE WHEN COL_LENGTH('schema_migrations', 'generation') IS NULL THEN 0 ELSE 1 END FROM schema_migrations";

    internal const string GenerationSql = "SELECT COALESCE(MAX(generation), 0) FROM schema_migrations";

    internal const string AppliedSql = "INSERT INTO schema_migrations (version, name, applied_at, generation) VALUES (@Version, @Name, @now, @Generation)";

    /// <summary>Why a database of a build from before the first release is refused.</summary>
    internal const string Unreleased =
        "was made by a build from before 0.1.0, the first release, and such databases are not upgraded. Nothing was changed; "
        + "create an empty database, name it in SQL_CONNECTION_STRING, and run \"finance-ingest migrate\".";

    /// <summary>The script that creates the roles and grants them their rights; it may be repeated.</summary>
    internal static string RolesScript { get; } = MigrationScript.Read("SqlServer.Roles.sql");

    /// <inheritdoc/>
    public string Target
    {
        get
        {
            var builder = new SqlConnectionStringBuilder(database.ConnectionString);
            return $"{builder.DataSource}/{builder.InitialCatalog}";
        }
    }

    /// <inheritdoc/>
    /// <remarks>All missing migrations are applied, or none.</remarks>
    /// <exception cref="SqlException">A script failed; nothing of the migration remains.</exception>
    public Task<MigrationOutcome> MigrateAsync(MigrationOptions options, CancellationToken cancellationToken) => database.RunAsync(
        connection => MigrateAsync(connection, options, cancellationToken),
        cancellationToken);

    /// <summary>The batches of a script, which lines of <c>GO</c> separate.</summary>
    internal static IEnumerable<string> Batches(string script) =>
        GoLine().Split(script).Where(batch => !string.IsNullOrWhiteSpace(batch));

    private async Task<MigrationOutcome> MigrateAsync(SqlConnection connection, MigrationOptions options, CancellationToken cancellationToken)
    {
        await using var transaction = (SqlTransaction)await connection.BeginTransactionAsync(cancellationToken);
        CommandDefinition Command(string sql, object? parameters = null) =>
            new(sql, parameters, transaction, Patience, cancellationToken: cancellationToken);

        if (await connection.ExecuteScalarAsync<int>(Command(LockSql, new { timeout = Patience * 1000 })) < 0)
        {
            throw new StoreUnavailableException(new TimeoutException("another migration has been running for too long."));
        }

        await connection.ExecuteAsync(Command(JournalSql));
        (int version, int isReleased) = await connection.QuerySingleAsync<(int, int)>(Command(VersionSql));
        if (isReleased == 0)
        {
            throw new MigrationException($"The database {Target} {Unreleased}");
        }

        IReadOnlyList<MigrationScript> scripts = MigrationScript.Of("SqlServer");
        if (SchemaRule.Refusal(await connection.ExecuteScalarAsync<int>(Command(GenerationSql)), scripts) is { } refusal)
        {
            throw new MigrationException($"The database {Target} {refusal}");
        }

        var older = new OlderSystemUpgrade(connection, transaction, Patience);
        if (version == 0)
        {
            await older.SetAsideAsync(cancellationToken);
        }

        MigrationScript[] missing = [.. scripts.Where(script => script.Version > version)];
        long rows = version == 0 || missing.Length == 0 ? 0 : await connection.ExecuteScalarAsync<long>(Command(SqlServerRetentionStore.LastSql));
        foreach ((int at, MigrationScript script) in missing.Index())
        {
            options.Begins?.Invoke(new MigrationStep(at + 1, missing.Length, script.Name, rows));
            foreach (string batch in Batches(script.Sql))
            {
                await connection.ExecuteAsync(Command(batch));
            }

            await connection.ExecuteAsync(Command(AppliedSql, new { script.Version, script.Name, script.Generation, now = time.UtcNowMicroseconds() }));
        }

        OlderSystemReport? report = null;
        if (older.IsNeeded)
        {
            report = await older.CopyAsync(ids, options.OlderTimeZone, time.UtcNowMicroseconds(), cancellationToken);

            // The rows' ids are certified with this signing key, which is the installation's from now on.
            await connection.ExecuteAsync(Command(SqlServerInstallationStore.ReadOrAddSql, new { name = SigningKeyCheck.Name, value = ids.Fingerprint }));
        }

        foreach (string batch in options.Roles ? Batches(RolesScript) : [])
        {
            await connection.ExecuteAsync(Command(batch));
        }

        await transaction.CommitAsync(cancellationToken);
        return new MigrationOutcome(version, Math.Max(version, scripts[^1].Version), [.. missing.Select(script => script.Name)], report);
    }

    [GeneratedRegex(@"^[ \t]*GO[ \t]*\r?$", RegexOptions.Multiline | RegexOptions.IgnoreCase)]
    private static partial Regex GoLine();
}
