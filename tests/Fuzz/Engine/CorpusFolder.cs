using System.Security.Cryptography;

namespace FinanceIngest.Fuzz.Engine;

/// <summary>Reads and writes inputs as files, with one folder for each target.</summary>
internal static class CorpusFolder
{
    /// <summary>The folder of the repository's corpus, which is copied beside this program.</summary>
    public static string BuiltIn { get; } = Path.Combine(AppContext.BaseDirectory, "Corpus");

    /// <summary>Returns a target's inputs in the order of their names; none when the target has no folder.</summary>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Read(string root, FuzzTarget target)
    {
        string folder = Path.Combine(root, target.Name);
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(path => (Path.GetFileName(path), File.ReadAllBytes(path)))]
            : [];
    }

    /// <summary>Adds an input under a name that derives from its content.</summary>
    /// <returns>The file's path.</returns>
    public static string Add(string root, FuzzTarget target, byte[] input, string prefix = "")
    {
        string folder = Path.Combine(root, target.Name);
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, prefix + Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 6)));
        File.WriteAllBytes(path, input);
        return path;
    }
}
