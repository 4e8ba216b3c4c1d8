using FinanceIngest.Configuration;

namespace FinanceIngest.Sqlite;

/// <summary>
/// What tells a file of this system from any other, and from one that this program can't use: <c>application_id</c> in the file's header says what the file
/// is, <c>user_version</c> its generation (https://sqlite.org/pragma.html#pragma_application_id). Every later version keeps both. A change that older
/// programs can live with does not raise the generation.
/// </summary>
/// <param name="ApplicationId">Of files of this kind.</param>
/// <param name="Generation">The newest generation that this program knows; it makes files of this one.</param>
/// <param name="Kind">What such a file is called in messages, such as <c>database</c>.</param>
/// <param name="Table">A table that such a file has; builds before 0.1.0 made files with it and without a mark.</param>
internal sealed record SqliteMark(int ApplicationId, int Generation, string Kind, string Table)
{
    private const string Setting = "FinanceIngest__DataDirectory";

    /// <summary>Marks an empty file, in the caller's transaction.</summary>
    public void Write(SqliteSession session)
    {
        session.Run(FormattableString.Invariant($"PRAGMA application_id = {ApplicationId}"));
        session.Run(FormattableString.Invariant($"PRAGMA user_version = {Generation}"));
    }

    /// <summary>Throws unless this program can use a file that has tables.</summary>
    /// <exception cref="SettingsException">The file is another's, of a build before 0.1.0, or of a later generation.</exception>
    public void Require(SqliteSession session, string path)
    {
        if (Refusal(session) is { } problem)
        {
            throw new SettingsException(Setting, $"{path} {problem}");
        }
    }

    /// <summary>Says why this program can't use a file that has tables, as the rest of a sentence that begins with its name; null when it can.</summary>
    public string? Refusal(SqliteSession session)
    {
        if (session.Number("PRAGMA application_id") != ApplicationId)
        {
            return session.Number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1", Table) > 0
                ? $"was made by a build before 0.1.0, the first release, and files of such builds can't be read; "
                    + "move it away, or name another data directory, and this program makes a new one."
                : $"is no {Kind} of this system; move it away, or name another data directory.";
        }

        long generation = session.Number("PRAGMA user_version");
        return generation <= Generation ? null : Later("is", generation, Generation);
    }

    /// <summary>Says that something is of a later generation than a program knows.</summary>
    internal static string Later(string verb, long generation, int known) => FormattableString.Invariant(
        $"{verb} of generation {generation}, which this program, of generation {known}, can't use; run the newer program.");
}
