using System.Text.Json.Nodes;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using NJsonSchema;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>
/// Converts the document's schemas for NJsonSchema, which reads older drafts than OpenAPI 3.1 uses. Components become definitions, a <c>const</c> becomes an
/// <c>enum</c> with one value, and the discriminator is left out, because every alternative names its status. The server's objects are closed: a member that is
/// not described is an error here, although clients must ignore it.
/// </summary>
internal sealed class DescribedSchemas(JsonObject components)
{
    // By the contract, objects that clients write may have further members.
    private static readonly string[] s_open = ["Transaction", "OlderTransaction", "Stat", "StatusQuery"];
    private readonly Dictionary<string, JsonSchema> _compiled = [];
    private readonly Lock _gate = new();

    /// <summary>Returns the ways in which a JSON text violates a schema; an empty list when it is valid.</summary>
    public IReadOnlyList<string> Validate(JsonNode schema, string json)
    {
        try
        {
            return [.. Compile(schema).Validate(Parse(json)).Select(error => error.ToString().ReplaceLineEndings(" "))];
        }
        catch (InvalidCastException)
        {
            return ["an integer is far out of range"];
        }
    }

    private JsonSchema Compile(JsonNode schema)
    {
        string text = schema.ToJsonString();
        lock (_gate)
        {
            if (!_compiled.TryGetValue(text, out JsonSchema? compiled))
            {
                JsonObject root = Convert(schema, close: false).AsObject();
                if (text.Contains("$ref", StringComparison.Ordinal))
                {
                    root = new JsonObject { ["allOf"] = new JsonArray(root), ["definitions"] = Definitions() };
                }

                _compiled.Add(text, compiled = JsonSchema.FromJsonAsync(root.ToJsonString()).GetAwaiter().GetResult());
            }

            return compiled;
        }
    }

    private JsonObject Definitions() =>
        new(components.Select(schema => KeyValuePair.Create(schema.Key, (JsonNode?)Convert(schema.Value!, close: !s_open.Contains(schema.Key)))));

    private static JsonNode Convert(JsonNode node, bool close)
    {
        if (node is JsonArray array)
        {
            return new JsonArray([.. array.Select(item => item is null ? null : Convert(item, close))]);
        }

        if (node is not JsonObject schema)
        {
            return node.DeepClone();
        }

        var converted = new JsonObject();
        foreach ((string name, JsonNode? value) in schema)
        {
            switch (name)
            {
                case "const":
                    converted["enum"] = new JsonArray(value!.DeepClone());
                    break;
                case "$ref":
                    converted["$ref"] = ((string)value!).Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal);
                    break;
                case "discriminator" or "examples" or "description":
                    break;
                case "properties":
                    converted[name] = new JsonObject(value!.AsObject()
                        .Select(property => KeyValuePair.Create(property.Key, (JsonNode?)Convert(property.Value!, close))));
                    break;
                default:
                    converted[name] = value is null ? null : Convert(value, close);
                    break;
            }
        }

        bool isObject = schema["type"] is JsonValue type && (string?)type == "object";
        if (close && isObject && schema["properties"] is not null && schema["additionalProperties"] is null)
        {
            converted["additionalProperties"] = false;
        }

        return converted;
    }

    // Times stay strings, and numbers keep their digits where a decimal can hold them.
    private static JToken Parse(string json)
    {
        try
        {
            return Parse(json, FloatParseHandling.Decimal);
        }
        catch (JsonReaderException)
        {
            return Parse(json, FloatParseHandling.Double);
        }
    }

    private static JToken Parse(string json, FloatParseHandling numbers)
    {
        using var reader = new JsonTextReader(new StringReader(json))
        {
            DateParseHandling = DateParseHandling.None,
            FloatParseHandling = numbers,
            MaxDepth = null,
        };
        return JToken.ReadFrom(reader);
    }
}
