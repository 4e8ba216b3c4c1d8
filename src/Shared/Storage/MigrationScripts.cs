using System.Globalization;
using System.Reflection;

namespace FinanceIngest.Storage;

/// <summary>One step of a schema: plain SQL, applied once. Steps are applied in the order of their versions.</summary>
/// <param name="Version">1, 2, 3 …</param>
/// <param name="Name">File name without its ending, such as <c>0001_initial</c>.</param>
/// <param name="Sql">The script.</param>
/// <param name="Generation">
/// Programs must know this generation to use the database afterwards. A script whose first line is <c>-- generation: N</c> begins generation N, since programs
/// from before it could not work on what it leaves; the others are additive and belong to the generation of the script before them. The first is 1.
/// </param>
internal sealed record MigrationScript(int Version, string Name, string Sql, int Generation = 1)
{
    private const string GenerationLine = "-- generation: ";
    private const string Root = "FinanceIngest.Storage.";
    private static readonly Assembly s_assembly = typeof(MigrationScript).Assembly;

    /// <summary>The scripts of an engine (<c>Sqlite</c> or <c>SqlServer</c>), the lowest version first.</summary>
    public static IReadOnlyList<MigrationScript> Of(string engine)
    {
        string folder = $"{engine}.Migrations.";
        return InOrder(s_assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(Root + folder, StringComparison.Ordinal))
            .Select(resource => resource[Root.Length..])
            .Select(file => (file[folder.Length..^".sql".Length], Read(file))));
    }

    /// <summary>Makes the scripts of names and texts, the lowest version first.</summary>
    internal static IReadOnlyList<MigrationScript> InOrder(IEnumerable<(string Name, string Sql)> files)
    {
        var scripts = new List<MigrationScript>();
        foreach ((string name, string sql) in files.OrderBy(file => file.Name, StringComparer.Ordinal))
        {
            int generation = sql.StartsWith(GenerationLine, StringComparison.Ordinal)
                ? int.Parse(sql.AsSpan()[GenerationLine.Length..sql.IndexOf('\n', StringComparison.Ordinal)], CultureInfo.InvariantCulture)
                : scripts.Count > 0 ? scripts[^1].Generation : 1;
            scripts.Add(new MigrationScript(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, sql, generation));
        }

        return scripts;
    }

    /// <summary>The text of a script in this folder, such as <c>SqlServer.Roles.sql</c>.</summary>
    public static string Read(string file)
    {
        using var reader = new StreamReader(s_assembly.GetManifestResourceStream(Root + file)!);
        return reader.ReadToEnd();
    }
}
