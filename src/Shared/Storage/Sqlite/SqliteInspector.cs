using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.SigningKeys;
using FinanceIngest.Sqlite;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IDatabaseInspector"/>
internal sealed class SqliteInspector(Settings settings) : IDatabaseInspector
{
    /// <inheritdoc/>
    public async Task<DatabaseFacts> InspectAsync(CancellationToken cancellationToken)
    {
        using var file = new SqliteFile(Path.Combine(settings.DataDirectory, SqliteDatabase.FileName), SqliteDatabase.Mark, _ => { }, _ => { });
        if (!File.Exists(file.Path))
        {
            return new DatabaseFacts(Exists: false, 0, SqliteDatabase.ProgramVersion);
        }

        try
        {
            return await file.ReadAsync(Read, cancellationToken);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException(e);
        }
    }

    private static DatabaseFacts Read(SqliteSession session)
    {
        int version = SqliteDatabase.StateOf(session).Version;
        string? refusal = version == 0 ? null : SqliteDatabase.RefusalOf(session);
        return version == 0 || refusal is not null
            ? new DatabaseFacts(Exists: true, version, SqliteDatabase.ProgramVersion, Refusal: refusal)
            : new DatabaseFacts(
                Exists: true,
                version,
                SqliteDatabase.ProgramVersion,
                session.FirstOrDefault("SELECT value FROM installation WHERE name = ?1", row => row.GetString(0), SigningKeyCheck.Name),
                session.FirstOrDefault("SELECT created_at FROM anomaly_transactions ORDER BY id DESC LIMIT 1", row => row.GetTimeOrNull(0)));
    }
}
