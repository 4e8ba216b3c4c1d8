using System.Text.RegularExpressions;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Documentation;

/// <summary>Reads a Markdown page as GitHub shows it: its links, the anchors of its headings, and its tables.</summary>
internal sealed partial class MarkdownPage
{
    // Builds, tests and package managers make these folders; their pages are not the project's.
    private static readonly string[] s_foreign = ["bin", "obj", "node_modules", "artifacts", "data", "dist", "TestResults"];

    private readonly string[] _lines;

    /// <param name="path">The page's path, relative to the checkout, with slashes.</param>
    /// <param name="text">The page's text.</param>
    public MarkdownPage(string path, string text)
    {
        Path = path;
        Text = text.ReplaceLineEndings("\n");
        _lines = [.. OutsideOfFences(Text.Split('\n'))];
        Anchors = [.. FindAnchors()];
    }

    /// <summary>The page's path, relative to the checkout, with slashes.</summary>
    public string Path { get; }

    public string Text { get; }

    /// <summary>The anchors that a link to this page may name.</summary>
    public HashSet<string> Anchors { get; }

    /// <summary>Reads every page of the checkout.</summary>
    public static MarkdownPage[] All() =>
        [.. Find(Repository.Root).Select(file => Read(System.IO.Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')))];

    /// <param name="path">The page's path, relative to the checkout.</param>
    public static MarkdownPage Read(string path) => new(path, File.ReadAllText(System.IO.Path.Combine(Repository.Root, path)));

    /// <summary>Returns the targets of links and pictures in the order of the page. Text in code spans and code blocks holds no links.</summary>
    public IEnumerable<string> Links() =>
        _lines.SelectMany(line => LinkTarget().Matches(CodeSpan().Replace(line, "``"))).Select(match => match.Groups[1].Value);

    /// <summary>Returns the text from a heading to the next heading of the same level or a higher one.</summary>
    public string Section(string heading)
    {
        int start = Text.IndexOf($"{heading}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"{Path} has no '{heading}'");
        string level = heading[..heading.IndexOf(' ', StringComparison.Ordinal)];
        Match next = Regex.Match(Text[(start + heading.Length)..], $"^#{{1,{level.Length}}} ", RegexOptions.Multiline);
        return next.Success ? Text.Substring(start, heading.Length + next.Index) : Text[start..];
    }

    /// <summary>Returns the rows of every table with this head, each as its cells.</summary>
    public IEnumerable<string[]> Rows(string head)
    {
        for (int i = 0; i < _lines.Length; i++)
        {
            if (_lines[i] != head)
            {
                continue;
            }

            for (i += 2; i < _lines.Length && _lines[i].StartsWith('|'); i++)
            {
                yield return [.. _lines[i].Trim().Trim('|').Split(" | ").Select(cell => cell.Trim())];
            }
        }
    }

    private static IEnumerable<string> Find(string folder) =>
        Directory.GetFiles(folder, "*.md").Concat(Directory.GetDirectories(folder)
            .Where(child => System.IO.Path.GetFileName(child) is var name && !name.StartsWith('.') && !s_foreign.Contains(name))
            .SelectMany(Find));

    private static IEnumerable<string> OutsideOfFences(IEnumerable<string> lines)
    {
        bool fenced = false;
        foreach (string line in lines)
        {
            bool isFence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            fenced ^= isFence;
            yield return fenced || isFence ? "" : line;
        }
    }

    // GitHub writes an anchor in lower case, without punctuation and with hyphens for spaces, and numbers headings that repeat.
    private IEnumerable<string> FindAnchors()
    {
        var seen = new Dictionary<string, int>();
        foreach (string line in _lines.Where(line => HeadingLine().IsMatch(line)))
        {
            string heading = Link().Replace(HeadingLine().Replace(line, ""), match => match.Groups[1].Value);
            string anchor = Punctuation().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');
            int before = seen.GetValueOrDefault(anchor);
            seen[anchor] = before + 1;
            yield return before == 0 ? anchor : $"{anchor}-{before}";
        }
    }

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();

    // A picture inside a link has two targets, and the expression matches both.
    [GeneratedRegex(@"\]\(([^)\s]+)[^)]*\)")]
    private static partial Regex LinkTarget();

    [GeneratedRegex("``[^`]+``|`[^`]+`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex("^#{1,6} +")]
    private static partial Regex HeadingLine();

    [GeneratedRegex(@"[^\p{L}\p{N}\p{M} _-]")]
    private static partial Regex Punctuation();
}
