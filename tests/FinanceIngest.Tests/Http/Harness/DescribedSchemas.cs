using System.Text.Json.Nodes;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using NJsonSchema;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>
/// The document's schemas for NJsonSchema, which reads drafts before OpenAPI 3.1's: components become definitions, <c>const</c> an
/// <c>enum</c> of one, and the discriminator is left out, since every alternative names its status. What the server writes is closed: a
/// member that is not described is an error, although clients must let one pass.
/// </summary>
internal sealed class DescribedSchemas(JsonObject components)
{
    // What clients write is open by the contract, and a problem's types add to its members.
    private static readonly string[] s_open = ["Problem", "Transaction", "Stat", "StatusQuery"];
    private readonly Dictionary<string, JsonSchema> _compiled = [];
    private readonly Lock _gate = new();

    /// <summary>What a JSON text lacks of a schema.</summary>
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

    // Times stay text; a number keeps its digits where it can.
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
