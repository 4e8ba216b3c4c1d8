using System.Text.Json;

namespace FinanceIngest.Cli.Results;

/// <summary>Shows a result object of the API to a person.</summary>
internal static class ResultText
{
    /// <summary>A field as the API writes it; empty when it is absent.</summary>
    public static string Field(JsonElement result, string name) =>
        !result.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null ? ""
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : value.GetRawText();

    /// <summary>All fields of a result, objects among them with the names of their fields.</summary>
    public static IEnumerable<(string Name, string Value)> Fields(JsonElement result) => result.EnumerateObject().SelectMany(property =>
        property.Value.ValueKind == JsonValueKind.Object
            ? property.Value.EnumerateObject().Select(inner => ($"{property.Name} {inner.Name}", Field(property.Value, inner.Name)))
            : [(property.Name, Field(result, property.Name))]);
}
