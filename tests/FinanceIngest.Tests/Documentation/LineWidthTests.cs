using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Documentation;

/// <summary>Every line of code fits into a window that shares the screen with another.</summary>
public sealed class LineWidthTests
{
    /// <summary>The maximum length of a line in characters, as CONTRIBUTING.md and .editorconfig state it.</summary>
    private const int MaximumWidth = 160;

    // Builds, tests, editors and package managers make these folders, which hold nothing of the project's.
    private static readonly string[] s_foreign =
        [".git", ".idea", ".vs", ".vscode", "__pycache__", "artifacts", "bin", "build", "data", "dist", "node_modules", "obj", "TestResults"];

    private static readonly string[] s_endings = [".cs", ".csproj", ".mjs", ".props", ".proto", ".py", ".sh", ".sql", ".targets"];

    // Django generates these migrations with one line per field, whatever its length.
    private static readonly string[] s_exempted =
    [
        "clients/python/finance_ingest/django/migrations",
        "clients/python/tests/site/purchases/migrations",
        "clients/python/tests/walk/shop/migrations",
        "examples/django-finance/ledger/migrations",
    ];

    [Fact]
    public void No_line_of_code_has_more_than_160_characters()
    {
        string[] files = [.. Files("").Where(IsCode)];

        Assert.True(files.Length > 300, $"The search sees {files.Length} files only.");
        Assert.Contains(".ci/run", files);
        Assert.Contains("bench/run", files);
        string[] wide = [.. files.Where(path => !IsExempted(path)).SelectMany(path => WideLines(path, Lines(path)))];
        Assert.True(wide.Length == 0, string.Join('\n', wide));
    }

    [Fact]
    public void Every_exempted_folder_still_needs_it() => Assert.All(
        s_exempted,
        folder => Assert.NotEmpty(Files(folder).Where(IsCode).SelectMany(path => WideLines(path, Lines(path)))));

    [Fact]
    public void Width_is_counted_in_characters_and_not_in_bytes_or_halves_of_pairs()
    {
        string narrow = string.Concat(Enumerable.Repeat("💸", MaximumWidth));

        Assert.Equal(["a.cs:2 has 161 characters"], WideLines("a.cs", [narrow, narrow + "é", new string('ä', MaximumWidth)]));
    }

    private static IEnumerable<string> WideLines(string path, IEnumerable<string> lines) =>
        from line in lines.Select((text, index) => (Number: index + 1, Width: text.EnumerateRunes().Count()))
        where line.Width > MaximumWidth
        select $"{path}:{line.Number} has {line.Width} characters";

    private static IEnumerable<string> Lines(string path) => File.ReadLines(Path.Combine(Repository.Root, path));

    private static bool IsExempted(string path) => s_exempted.Any(folder => path.StartsWith($"{folder}/", StringComparison.Ordinal));

    // A file without an extension is code when it is a Dockerfile or begins with "#!".
    private static bool IsCode(string path)
    {
        string ending = Path.GetExtension(path);
        return ending.Length > 0
            ? s_endings.Contains(ending)
            : path == "Dockerfile" || Lines(path).FirstOrDefault()?.StartsWith("#!", StringComparison.Ordinal) == true;
    }

    /// <summary>Returns the files below a folder of the checkout. Paths are relative to the checkout and use slashes.</summary>
    private static IEnumerable<string> Files(string folder)
    {
        var directory = new DirectoryInfo(Path.Combine(Repository.Root, folder));
        string prefix = folder.Length == 0 ? "" : $"{folder}/";
        return directory.EnumerateFiles().Where(file => file.LinkTarget is null).Select(file => prefix + file.Name)
            .Concat(directory.EnumerateDirectories()
                .Where(child => child.LinkTarget is null && !s_foreign.Contains(child.Name))
                .SelectMany(child => Files(prefix + child.Name)));
    }
}
