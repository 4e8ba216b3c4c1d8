using System.Text.Json;
using FinanceIngest.Configuration;

namespace FinanceIngest.Replay;

/// <summary>A row that shadow detectors scored beside the one that decided.</summary>
/// <param name="Row">The row.</param>
/// <param name="ZScore">The z-score of the detector that decided; null: it gave none.</param>
/// <param name="Detector">Name and version of the detector that decided, where it is one that learns; null: <see cref="DetectorNames.ZScore"/> did.</param>
/// <param name="Shadow">What the shadow detectors said, as the API's JSON object.</param>
public readonly record struct ShadowedRow(HistoryRow Row, double? ZScore, string? Detector, string Shadow)
{
    /// <summary>The name of the detector that decided, and its version where it learns.</summary>
    public string LiveName => Detector ?? DetectorNames.ZScore;

    /// <summary>Returns what each shadow detector said.</summary>
    /// <exception cref="FormatException">The column holds something else.</exception>
    public IReadOnlyList<ShadowVerdict> Verdicts() => ShadowVerdict.Read(Shadow);
}

/// <summary>What a shadow detector said of a row.</summary>
/// <param name="Name">The detector's name in settings.</param>
/// <param name="IsAnomaly">Whether it called it an anomaly.</param>
/// <param name="Score">Its score: the odds of <c>adaptive</c>, the z-score of <c>zscore</c>; null: it gave none.</param>
public readonly record struct ShadowVerdict(string Name, bool IsAnomaly, double? Score)
{
    /// <summary>Reads the API's JSON object <c>{"NAME": {"is_anomaly", "score"}}</c>.</summary>
    /// <exception cref="FormatException">The text is something else.</exception>
    public static IReadOnlyList<ShadowVerdict> Read(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return
            [
                .. document.RootElement.EnumerateObject().Select(static property => new ShadowVerdict(
                    property.Name,
                    property.Value.GetProperty("is_anomaly").GetBoolean(),
                    property.Value.TryGetProperty("score", out JsonElement score) ? score.GetDouble() : null)),
            ];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException("What the shadow detectors said of a row can't be read.", e);
        }
    }
}
