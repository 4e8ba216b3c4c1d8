using System.Text.Json;
using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Http;

namespace FinanceIngest.Results;

/// <summary>Writes the API's result object.</summary>
internal static class ResultJson
{
    /// <summary>
    /// Writes a result; an optional field that is null is left out. In the result of a scored transaction <c>z_score</c> and <c>baseline</c> are always there,
    /// because older clients index them.
    /// </summary>
    public static void Write(Utf8JsonWriter json, TransactionResult result)
    {
        json.WriteStartObject();
        json.WriteString("id", result.Id);
        json.WriteString("status", Names.Of(result.Status));
        WriteTransaction(json, result);
        if (result.Status == TransactionStatus.Scored)
        {
            WriteScore(json, result);
        }

        if (result.Error is not null)
        {
            json.WritePropertyName("error");
            Problems.Transaction(result.Error).Write(json);
        }

        WriteTimes(json, result);
        json.WriteEndObject();
    }

    /// <summary>Writes <c>{"id", "status"}</c> for an id without a row.</summary>
    public static void WriteStatusOnly(Utf8JsonWriter json, string id, string status)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("status", status);
        json.WriteEndObject();
    }

    private static void WriteTransaction(Utf8JsonWriter json, TransactionResult result)
    {
        if (result.UserId is { } userId)
        {
            json.WriteNumber("user_id", userId);
        }

        if (result.CategoryId is { } categoryId)
        {
            json.WriteNumber("category_id", categoryId);
        }

        if (result.Amount is { } amount)
        {
            json.WriteMoney("amount", amount);
        }
    }

    private static void WriteScore(Utf8JsonWriter json, TransactionResult result)
    {
        if (result.ZScore is { } z)
        {
            json.WriteDouble("z_score", z);
        }
        else
        {
            json.WriteNull("z_score");
        }

        json.WriteBoolean("is_anomaly", result.IsAnomaly);
        if (result.Reason is { } reason)
        {
            json.WriteString("reason", Names.Of(reason));
        }

        if (result.Baseline is { } baseline)
        {
            json.WriteStartObject("baseline");
            json.WriteDouble("mean", baseline.Mean);
            json.WriteDouble("std_dev", baseline.StdDev);
            json.WriteNumber("sample_count", baseline.SampleCount);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("baseline");
        }

        WriteAlert(json, result);
        if (result.Detected is { } detected)
        {
            WriteDetected(json, detected, result.Explanation);
        }

        if (result.Shadow is not null)
        {
            json.WritePropertyName("shadow");
            json.WriteRawValue(result.Shadow);
        }
    }

    private static void WriteAlert(Utf8JsonWriter json, TransactionResult result)
    {
        if (result.Alert is { } alert)
        {
            json.WriteString("alert", Names.Of(alert));
        }

        if (result.SuppressedBy is { } suppression)
        {
            json.WriteString("suppressed_by", Names.Of(suppression));
        }

        if (result.Verdict is { } verdict)
        {
            json.WriteString("feedback", CommandNames.Of(verdict));
        }
    }

    private static void WriteDetected(Utf8JsonWriter json, Detected detected, string? explanation)
    {
        json.WriteString("detector", detected.Detector);
        if (detected.IsKnown)
        {
            json.WriteDouble("surprise", detected.Surprise);
            json.WriteStartObject("usual");
            json.WriteDouble("low", detected.Usual.Low);
            json.WriteDouble("typical", detected.Usual.Typical);
            json.WriteDouble("high", detected.Usual.High);
            json.WriteNumber("count", detected.Usual.Count);
            json.WriteEndObject();
        }

        if (explanation is not null)
        {
            json.WriteString("explanation", explanation);
        }

        if (detected.Factors.Count == 0)
        {
            return;
        }

        json.WriteStartArray("factors");
        foreach (Factor factor in detected.Factors)
        {
            json.WriteStartObject();
            json.WriteString("code", factor.Code);
            json.WriteDouble("value", factor.Value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTimes(Utf8JsonWriter json, TransactionResult result)
    {
        if (result.OccurredAt is { } occurredAt)
        {
            json.WriteTime("occurred_at", occurredAt);
        }

        if (result.AcceptedAt is { } acceptedAt)
        {
            json.WriteTime("accepted_at", acceptedAt);
        }

        if (result.ScoredAt is { } scoredAt)
        {
            json.WriteTime("scored_at", scoredAt);
        }
    }
}
