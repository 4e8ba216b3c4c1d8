using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.IngestServer.Page;

/// <summary>The files of the page, which are part of the program.</summary>
internal sealed class PageFiles
{
    private const string Prefix = "page/";
    private const string IndexName = "index.html";
    private const string WorkerName = "push.js";
    private readonly Dictionary<string, PageFile> _files;

    private PageFiles(Dictionary<string, byte[]> contents, IReadOnlyDictionary<string, string> values)
    {
        byte[] all = [.. contents.OrderBy(file => file.Key, StringComparer.Ordinal).SelectMany(file => SHA256.HashData(file.Value))];
        Version = Convert.ToHexStringLower(SHA256.HashData(all))[..16];
        _files = contents.ToDictionary(file => file.Key, file => new PageFile(TypeOf(file.Key), file.Value), StringComparer.Ordinal);
        string index = Encoding.UTF8.GetString(contents[IndexName]).Replace("{{version}}", Version, StringComparison.Ordinal);
        foreach ((string name, string value) in values)
        {
            index = index.Replace($"{{{{{name}}}}}", WebUtility.HtmlEncode(value), StringComparison.Ordinal);
        }

        Index = new PageFile(TypeOf(IndexName), Encoding.UTF8.GetBytes(index));
        _files.Remove(IndexName);
        Worker = _files[WorkerName];
        _files.Remove(WorkerName);
    }

    /// <summary>A digest of all files, which is part of their addresses.</summary>
    public string Version { get; }

    /// <summary>The document at <c>/</c>.</summary>
    public PageFile Index { get; }

    /// <summary>The script that shows what is pushed. Its address stays, because browsers keep it under it.</summary>
    public PageFile Worker { get; }

    /// <summary>The file of a name, such as <c>app.js</c> or <c>uplot/uPlot.esm.js</c>; null where there is none.</summary>
    public PageFile? Find(string name) => _files.GetValueOrDefault(name);

    /// <summary>Reads the files.</summary>
    /// <param name="values">What the document says of this installation, by the names that stand in it in braces.</param>
    public static PageFiles Load(IReadOnlyDictionary<string, string> values)
    {
        Assembly assembly = typeof(PageFiles).Assembly;
        return new PageFiles(
            assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
                .ToDictionary(name => name[Prefix.Length..].Replace('\\', '/'), name => Read(assembly, name), StringComparer.Ordinal),
            values);
    }

    private static byte[] Read(Assembly assembly, string name)
    {
        using Stream resource = assembly.GetManifestResourceStream(name)!;
        byte[] content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
}
