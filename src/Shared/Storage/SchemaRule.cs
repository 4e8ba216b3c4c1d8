using FinanceIngest.Sqlite;

namespace FinanceIngest.Storage;

/// <summary>
/// Which schema a program can use, on either engine. A database's version may be higher than the program's: steps are additive, so that old code runs beside
/// the new schema. A step that is not says so by a higher generation, and programs that do not know that generation refuse the database.
/// </summary>
internal static class SchemaRule
{
    /// <summary>Rows above which only <c>finance-ingest migrate</c> applies missing steps, and no program does so while it starts.</summary>
    public const long MostRowsAtStart = 1_000_000;

    /// <summary>Says why a program must not use a database, as the rest of a sentence that begins with its name; null when it may.</summary>
    /// <param name="generation">The highest generation in the database's journal; 0: it has no step of this system.</param>
    /// <param name="scripts">The program's scripts.</param>
    public static string? Refusal(int generation, IReadOnlyList<MigrationScript> scripts) =>
        generation <= scripts[^1].Generation ? null : SqliteMark.Later("is", generation, scripts[^1].Generation);

    /// <summary>Says why a program that finds missing steps must not apply them while it starts; null when it may.</summary>
    /// <param name="version">The database's version; 0: it is new.</param>
    /// <param name="rows">About how many transactions it has.</param>
    /// <param name="scripts">The program's scripts.</param>
    public static string? RefusalAtStart(int version, long rows, IReadOnlyList<MigrationScript> scripts) =>
        version == 0 || version >= scripts[^1].Version || rows <= MostRowsAtStart ? null : FormattableString.Invariant(
            $"has schema version {version} and about {rows} transactions; run \"finance-ingest migrate\", which brings it to this program's version ")
                + FormattableString.Invariant($"{scripts[^1].Version} and shows how far it is.");
}
