using System.Globalization;
using System.Reflection;

namespace FinanceIngest.Storage;

/// <summary>One step of a schema: plain SQL, applied once. Steps are applied in the order of their versions.</summary>
/// <param name="Version">1, 2, 3 …</param>
/// <param name="Name">File name without its ending, such as <c>0001_initial</c>.</param>
/// <param name="Sql">The script.</param>
internal sealed record MigrationScript(int Version, string Name, string Sql)
{
    private const string Root = "FinanceIngest.Storage.";
    private static readonly Assembly s_assembly = typeof(MigrationScript).Assembly;

    /// <summary>The scripts of an engine (<c>Sqlite</c> or <c>SqlServer</c>), the lowest version first.</summary>
    public static IReadOnlyList<MigrationScript> Of(string engine)
    {
        string folder = $"{engine}.Migrations.";
        return [.. s_assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(Root + folder, StringComparison.Ordinal))
            .Select(resource => resource[Root.Length..])
            .Select(file => Load(file, file[folder.Length..^".sql".Length]))
            .OrderBy(script => script.Version)];
    }

    /// <summary>The text of a script in this folder, such as <c>SqlServer.Roles.sql</c>.</summary>
    public static string Read(string file)
    {
        using var reader = new StreamReader(s_assembly.GetManifestResourceStream(Root + file)!);
        return reader.ReadToEnd();
    }

    private static MigrationScript Load(string file, string name) =>
        new(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, Read(file));
}
