using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace FinanceIngest.Tests.Deployment;

/// <summary>Reads YAML as nested dictionaries, lists and strings, with merge keys and anchors resolved.</summary>
internal static class Yaml
{
    /// <summary>Returns every document of a file. The path is relative to the checkout.</summary>
    public static IReadOnlyList<object> Documents(string path)
    {
        using var reader = new StringReader(File.ReadAllText(Path.Combine(Support.Repository.Root, path)));
        var parser = new MergingParser(new Parser(reader));
        IDeserializer deserializer = new DeserializerBuilder().Build();
        var documents = new List<object>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
        {
            documents.Add(deserializer.Deserialize(parser)!);
        }

        return documents;
    }

    /// <summary>
    /// Returns the node at a path of keys and indices, such as <c>spec/triggers/0</c>; null when a part of the path is absent. A slash within a key reads
    /// <c>~1</c>.
    /// </summary>
    public static object? At(this object? node, string path)
    {
        foreach (string step in path.Split('/').Select(part => part.Replace("~1", "/", StringComparison.Ordinal)))
        {
            node = node switch
            {
                IDictionary<object, object> map => map.TryGetValue(step, out object? value) ? value : null,
                IList<object> list => list[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)],
                _ => null,
            };
        }

        return node;
    }

    /// <summary>Returns the text at a path; null when there is none.</summary>
    public static string? Text(this object? node, string path) => (string?)node.At(path);

    /// <summary>Returns the list at a path; an empty one when there is none.</summary>
    public static IEnumerable<object> List(this object? node, string path) => (IList<object>?)node.At(path) ?? [];

    /// <summary>Returns the map at a path, with its values as texts; an empty one when there is none.</summary>
    public static Dictionary<string, string> Map(this object? node, string path) =>
        ((IDictionary<object, object>?)node.At(path))?.ToDictionary(pair => (string)pair.Key, pair => (string)pair.Value) ?? [];
}
