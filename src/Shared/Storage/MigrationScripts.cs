using System.Globalization;
using System.Reflection;

namespace FinanceIngest.Storage;

/// <summary>One step of a schema: plain SQL, applied once, in the order of its number.</summary>
/// <param name="Version">1, 2, 3 …</param>
/// <param name="Name">File name without its ending, such as <c>0001_initial</c>.</param>
/// <param name="Sql">The script.</param>
public sealed record MigrationScript(int Version, string Name, string Sql)
{
    /// <summary>The scripts of an engine (<c>Sqlite</c> or <c>SqlServer</c>), in order.</summary>
    public static IReadOnlyList<MigrationScript> Of(string engine)
    {
        Assembly assembly = typeof(MigrationScript).Assembly;
        string prefix = $"FinanceIngest.Storage.{engine}.Migrations.";
        return [.. assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(prefix, StringComparison.Ordinal))
            .Select(resource => Load(assembly, resource, resource[prefix.Length..^".sql".Length]))
            .OrderBy(script => script.Version)];
    }

    private static MigrationScript Load(Assembly assembly, string resource, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return new MigrationScript(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, reader.ReadToEnd());
    }
}
