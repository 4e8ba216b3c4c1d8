using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using FinanceIngest.Http;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Architecture;

/// <summary>No folder of <c>src/Shared</c> uses a folder on its own floor or above. The tests' output lists which folder uses which.</summary>
public sealed partial class FloorsTests(ITestOutputHelper output)
{
    private static readonly string s_shared = Path.Combine(Repository.Root, "src/Shared");

    /// <summary>A place where one folder uses another.</summary>
    private sealed record Use(string From, string To, string Where);

    [Fact]
    public void Every_folder_is_on_a_floor_and_every_floor_is_there()
    {
        IEnumerable<string> folders = Directory.GetDirectories(s_shared).Select(path => Path.GetFileName(path)!).Where(name => name is not ("bin" or "obj"));
        Assert.Equal(Floors.FromBelow.SelectMany(floor => floor).Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_source_file_uses_a_folder_that_is_not_below_its_own()
    {
        // The compiler refuses a using that nothing needs, so the usings say what a file depends on, references in its comments included.
        Use[] uses = [.. SourceFiles().SelectMany(file => UsingsOf(file.Folder, file.Path)).Where(use => use.From != use.To)];
        output.WriteLine(Listing(uses));
        Assert.True(uses.Length > 100, "The search finds far fewer uses than there are.");
        Assert.Empty(Wrong(uses));
    }

    [Fact]
    public void No_compiled_type_uses_a_folder_that_is_not_below_its_own()
    {
        ArchUnitNET.Domain.Architecture architecture = new ArchLoader().LoadAssembly(typeof(Api).Assembly).Build();
        Use[] uses =
        [
            .. from type in architecture.Types
               from dependency in type.Dependencies

               // ArchUnitNET attributes every generic parameter of one name to the first method that declares that name.
               where dependency.Target is not GenericParameter
               let origin = FolderOf(type)
               let target = FolderOf(dependency.Target)
               where origin is not null && target is not null && origin != target
               select new Use(origin, target, $"{type.FullName} uses {dependency.Target.FullName}"),
        ];
        Assert.True(uses.Length > 500, "The search finds far fewer uses than there are.");
        Assert.Empty(Wrong(uses));
    }

    [Fact]
    public void The_architecture_page_shows_the_same_floors()
    {
        string[] rows = [.. File.ReadLines(Path.Combine(Repository.Root, "docs/architecture.md")).Where(line => FloorRow().IsMatch(line))];
        Assert.Equal(
            Floors.FromBelow.Select((folders, floor) => $"{floor}: {string.Join(", ", folders)}"),
            rows.Reverse().Select(row => FloorRow().Match(row)).Select(match => $"{match.Groups[1].Value}: {FoldersOf(match)}"));

        static string FoldersOf(Match row) =>
            string.Join(", ", Folder().Matches(row.Groups[2].Value).Select(name => name.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<(string Folder, string Path)> SourceFiles() =>
        from folder in Floors.FromBelow.SelectMany(floor => floor)
        from path in Directory.EnumerateFiles(Path.Combine(s_shared, folder), "*.cs", SearchOption.AllDirectories)
        select (folder, path);

    private static IEnumerable<Use> UsingsOf(string folder, string path) =>
        from line in File.ReadLines(path)
        let match = Using().Match(line)
        where match.Success
        select new Use(folder, match.Groups[1].Value, $"{Path.GetRelativePath(s_shared, path)} uses {match.Groups[1].Value}");

    private static string[] Wrong(IEnumerable<Use> uses) =>
        [.. uses.Where(use => Floors.Of(use.From) <= Floors.Of(use.To)).Select(use => use.Where).Distinct()];

    private static string? FolderOf(IType type) =>
        type.Namespace?.FullName.Split('.') is ["FinanceIngest", var folder, ..] && Floors.Of(folder) >= 0 ? folder : null;

    private static string Listing(IEnumerable<Use> uses)
    {
        var listing = new StringBuilder();
        ILookup<string, string> byFolder = uses.ToLookup(use => use.From, use => use.To);
        foreach ((string[] folders, int floor) in Floors.FromBelow.Select((folders, floor) => (folders, floor)).Reverse())
        {
            foreach (string folder in folders)
            {
                IEnumerable<string> used = byFolder[folder].GroupBy(name => name)
                    .OrderBy(group => Floors.Of(group.Key))
                    .Select(group => $"{group.Key} {group.Count()}");
                listing.AppendLine(CultureInfo.InvariantCulture, $"{floor,2} {folder} uses {string.Join(", ", used.DefaultIfEmpty("nothing"))}");
            }
        }

        return listing.ToString();
    }

    [GeneratedRegex(@"^(?:global )?using (?:static )?FinanceIngest\.(\w+)")]
    private static partial Regex Using();

    [GeneratedRegex(@"^\| (\d+) \| (.*?) \|")]
    private static partial Regex FloorRow();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex Folder();
}
