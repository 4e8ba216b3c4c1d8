using System.Text.Json;
using FinanceIngest.FunctionDriver.Protocol;

namespace FinanceIngest.FunctionDriver.Http;

/// <summary>A function with an HTTP trigger.</summary>
/// <param name="Id">By which it is invoked.</param>
/// <param name="Name">Its name, for people.</param>
/// <param name="Trigger">Name of the parameter that takes the request.</param>
/// <param name="Route">Route template, with the prefix of host.json and a leading slash.</param>
/// <param name="Methods">HTTP methods, in capitals.</param>
/// <param name="Level">Which key it takes.</param>
internal sealed record HttpFunction(string Id, string Name, string Trigger, string Route, IReadOnlyList<string> Methods, KeyLevel Level)
{
    private static readonly string[] s_allMethods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

    /// <summary>The function, if it has an HTTP trigger.</summary>
    public static IEnumerable<HttpFunction> Of(RpcFunctionMetadata function, string routePrefix)
    {
        foreach (string text in function.RawBindings)
        {
            using JsonDocument json = JsonDocument.Parse(text);
            var binding = json.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value, StringComparer.OrdinalIgnoreCase);
            if (string.Equals(Text(binding, "type"), "httpTrigger", StringComparison.OrdinalIgnoreCase))
            {
                string route = Text(binding, "route") ?? function.Name;
                yield return new HttpFunction(
                    function.FunctionId,
                    function.Name,
                    Text(binding, "name")!,
                    routePrefix.Length == 0 ? $"/{route}" : $"/{routePrefix}/{route}",
                    MethodsOf(binding),
                    Enum.Parse<KeyLevel>(Text(binding, "authLevel") ?? nameof(KeyLevel.Function), ignoreCase: true));
            }
        }
    }

    private static string[] MethodsOf(Dictionary<string, JsonElement> binding) =>
        binding.TryGetValue("methods", out JsonElement methods) && methods.ValueKind == JsonValueKind.Array && methods.GetArrayLength() > 0
            ? [.. methods.EnumerateArray().Select(method => method.GetString()!.ToUpperInvariant())]
            : s_allMethods;

    private static string? Text(Dictionary<string, JsonElement> binding, string name) =>
        binding.TryGetValue(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>The platform's levels of authorisation, by the key that each takes.</summary>
internal enum KeyLevel
{
    /// <summary>No key.</summary>
    Anonymous,

    /// <summary>A function's key, or the master key.</summary>
    Function,

    /// <summary>The master key.</summary>
    Admin,
}
