using System.Globalization;
using System.Text.Json;
using FinanceIngest.Commands;
using FinanceIngest.Http;

namespace FinanceIngest.Intake;

/// <summary>What requests that give commands have in common.</summary>
internal static class CommandBody
{
    /// <summary>The fields of a body that is one object.</summary>
    /// <exception cref="ProblemException">400: the body is not JSON.</exception>
    public static CommandFields Read(ReadOnlyMemory<byte> body) => new(Parse(body));

    /// <summary>A body that is one JSON value.</summary>
    /// <exception cref="ProblemException">400: the body is not JSON.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(JsonBody.Text(body));
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw JsonBody.Malformed(body, e);
        }
    }

    /// <summary>The answer to a request whose commands were carried out while it waited.</summary>
    public static ApiResponse Applied(ApiRequest request, ApiResponse response) =>
        response.With("Preference-Applied", $"wait={WaitPreference.Seconds(request).ToString(CultureInfo.InvariantCulture)}");
}
