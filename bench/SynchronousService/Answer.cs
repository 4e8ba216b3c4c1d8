using System.Text.Json.Serialization;

/// <summary>What the older function answered.</summary>
/// <param name="ZScore">Null without a usable baseline.</param>
/// <param name="IsAnomaly">Whether |z| is above the threshold.</param>
internal sealed record Answer([property: JsonPropertyName("z_score")] double? ZScore, [property: JsonPropertyName("is_anomaly")] bool IsAnomaly);

[JsonSerializable(typeof(Answer))]
internal sealed partial class AnswerJson : JsonSerializerContext;
