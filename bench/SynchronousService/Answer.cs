using System.Text.Json.Serialization;

/// <summary>The answer of the older function.</summary>
/// <param name="ZScore">The z-score; null without a usable baseline.</param>
/// <param name="IsAnomaly">Whether |z| is above the threshold.</param>
internal sealed record Answer([property: JsonPropertyName("z_score")] double? ZScore, [property: JsonPropertyName("is_anomaly")] bool IsAnomaly);

[JsonSerializable(typeof(Answer))]
internal sealed partial class AnswerJson : JsonSerializerContext;
