using System.Text.Json;
using FinanceIngest.FunctionDriver.Protocol;

namespace FinanceIngest.FunctionDriver.Http;

/// <summary>A function with an HTTP trigger.</summary>
/// <param name="Id">The id by which the driver invokes the function.</param>
/// <param name="Name">The function's name in the driver's log.</param>
/// <param name="Trigger">The name of the parameter that takes the request.</param>
/// <param name="Route">The route template, with a leading slash and the prefix of host.json.</param>
/// <param name="Methods">The HTTP methods that the function takes, in capitals.</param>
/// <param name="Level">The level of the key that a request must carry.</param>
internal sealed record HttpFunction(string Id, string Name, string Trigger, string Route, IReadOnlyList<string> Methods, KeyLevel Level)
{
    private static readonly string[] s_allMethods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

    /// <summary>Returns the function with its HTTP trigger; nothing when the function has none.</summary>
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

/// <summary>The platform's levels of authorisation, named by the keys that open a function.</summary>
internal enum KeyLevel
{
    /// <summary>The function needs no key.</summary>
    Anonymous,

    /// <summary>A function key or the master key opens the function.</summary>
    Function,

    /// <summary>Only the master key opens the function.</summary>
    Admin,
}
