using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace FinanceIngest.Tests.Deployment;

/// <summary>YAML as nested dictionaries, lists and texts, with merge keys and anchors resolved.</summary>
internal static class Yaml
{
    /// <summary>Every document of a file, given by its path in the checkout.</summary>
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

    /// <summary>What stands at a path of keys and indices, such as <c>spec/triggers/0</c>; null where something on the way is absent.</summary>
    public static object? At(this object? node, string path)
    {
        foreach (string step in path.Split('/'))
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

    /// <summary>The text at a path.</summary>
    public static string? Text(this object? node, string path) => (string?)node.At(path);

    /// <summary>The list at a path; empty where there is none.</summary>
    public static IEnumerable<object> List(this object? node, string path) => (IList<object>?)node.At(path) ?? [];

    /// <summary>The map at a path as texts; empty where there is none.</summary>
    public static Dictionary<string, string> Map(this object? node, string path) =>
        ((IDictionary<object, object>?)node.At(path))?.ToDictionary(pair => (string)pair.Key, pair => (string)pair.Value) ?? [];
}
