using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Documentation;

/// <summary>Every link between the pages leads to a page and a heading that exist.</summary>
public sealed class LinkTests
{
    [Fact]
    public void Every_relative_link_and_every_anchor_leads_somewhere()
    {
        MarkdownPage[] pages = MarkdownPage.All();

        Assert.Contains(pages, page => page.Path == "docs/evidence/README.md");
        Assert.Empty(pages.SelectMany(page => page.Links().Select(link => Problem(page, link))).OfType<string>());
    }

    [Theory]
    [InlineData("[a](api.md)", null)]
    [InlineData("[a](../README.md#run-it-test-it)", null)]
    [InlineData("[a](#one-heading) [b](#one-heading-1)", null)]
    [InlineData("[a](#its-stdev-and-more)", null)]
    [InlineData("![a](images/soak.svg)", null)]
    [InlineData("[a](https://example.com/nowhere.md)", null)]
    [InlineData("`[a](nowhere.md)`", null)]
    [InlineData("[a](nowhere.md)", "there is no docs/nowhere.md")]
    [InlineData("[a](API.md)", "there is no docs/API.md")]
    [InlineData("[a](api.md#nowhere)", "docs/api.md has no #nowhere")]
    [InlineData("[a](#one-heading-2)", "docs/page.md has no #one-heading-2")]
    [InlineData("[a](../../shared/contract.md)", "leaves the checkout")]
    [InlineData("[![a](images/soak.svg)](nowhere.md)", "there is no docs/nowhere.md")]
    [InlineData("[![a](images/nowhere.svg)](api.md)", "there is no docs/images/nowhere.svg")]
    public void A_link_that_leads_nowhere_is_found(string line, string? problem)
    {
        var page = new MarkdownPage("docs/page.md", $"# One heading\n\n{line}\n\n```\n[a](nowhere.md)\n```\n\n## One heading\n\n## Its *stdev*, and `more`\n");

        string[] found = [.. page.Links().Select(link => Problem(page, link)).OfType<string>()];

        Assert.Equal(problem is null ? 0 : 1, found.Length);
        Assert.All(found, text => Assert.Contains(problem!, text, StringComparison.Ordinal));
    }

    private static string? Problem(MarkdownPage page, string link)
    {
        if (link.Contains("://", StringComparison.Ordinal) || link.StartsWith("mailto:", StringComparison.Ordinal))
        {
            return null;
        }

        string[] parts = link.Split('#', 2);
        string? path = parts[0].Length == 0 ? page.Path : Resolve(page.Path, parts[0]);
        if (path is null)
        {
            return $"{page.Path}: {link} leaves the checkout";
        }

        if (path != page.Path && !Exists(path))
        {
            return $"{page.Path}: {link}: there is no {path}";
        }

        if (parts.Length == 1)
        {
            return null;
        }

        MarkdownPage target = path == page.Path ? page : MarkdownPage.Read(path);
        return target.Anchors.Contains(parts[1]) ? null : $"{page.Path}: {link}: {path} has no #{parts[1]}";
    }

    private static string? Resolve(string page, string relative)
    {
        string full = Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, Uri.UnescapeDataString(relative)));
        string path = Path.GetRelativePath(Repository.Root, full).Replace('\\', '/');
        return path == ".." || path.StartsWith("../", StringComparison.Ordinal) ? null : path;
    }

    // A file system may ignore case, and GitHub does not; names are therefore compared letter by letter.
    private static bool Exists(string path)
    {
        string folder = Repository.Root;
        foreach (string name in path.Split('/'))
        {
            if (name != "." && !Directory.GetFileSystemEntries(folder, name).Any(entry => Path.GetFileName(entry) == name))
            {
                return false;
            }

            folder = Path.Combine(folder, name);
        }

        return true;
    }
}
