using System.Buffers;
using System.Text;
using System.Text.Json;
using FinanceIngest.Http;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Alerts;

/// <summary>
/// Writes the alert queue's message: the four fields of the older system first, then what a mail or another reader needs beyond them.
/// <c>docs/migration.md</c> lists its fields.
/// </summary>
internal static class AlertMessage
{
    /// <summary>Makes the alert of an anomaly.</summary>
    /// <param name="anomaly">A scored transaction that is an anomaly, and therefore has a user, a category, an amount, a z-score and a baseline.</param>
    /// <param name="ids">Derives the alert's id from the transaction's.</param>
    /// <param name="traceParent">
    /// The W3C trace context that the alert continues; null if there is none. The payload has it for readers of the alert queue, and the alert beside it for
    /// the dispatcher.
    /// </param>
    public static NewAlert Create(TransactionResult anomaly, IdCertifier ids, string? traceParent)
    {
        Guid alertId = ids.AlertId(anomaly.Id);
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("user_id", anomaly.UserId!.Value);
            json.WriteNumber("category_id", anomaly.CategoryId!.Value);
            json.WriteMoney("amount", anomaly.Amount!.Value, atLeastOneDecimal: false);
            json.WriteDouble("z_score", anomaly.ZScore!.Value);
            json.WriteString("alert_id", alertId);
            json.WriteString("transaction_id", anomaly.Id);
            json.WriteDouble("mean", anomaly.Baseline!.Mean, atLeastOneDecimal: false);
            json.WriteDouble("std_dev", anomaly.Baseline.StdDev, atLeastOneDecimal: false);
            json.WriteTime("occurred_at", anomaly.OccurredAt!.Value);
            json.WriteTime("scored_at", anomaly.ScoredAt!.Value);
            if (anomaly.Detected is { } detected)
            {
                json.WriteString("detector", detected.Detector);
                json.WriteDouble("surprise", detected.Surprise);
                json.WriteDouble("usual_low", detected.Usual.Low);
                json.WriteDouble("usual_high", detected.Usual.High);
                if (anomaly.Explanation is { } explanation)
                {
                    json.WriteString("explanation", explanation);
                }
            }

            if (traceParent is not null)
            {
                json.WriteString("traceparent", traceParent);
            }

            json.WriteEndObject();
        }

        return new NewAlert(alertId, anomaly.Id, Encoding.UTF8.GetString(buffer.WrittenSpan), traceParent, anomaly.ScoredAt.Value);
    }
}
