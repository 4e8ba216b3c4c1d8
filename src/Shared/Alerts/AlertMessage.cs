using System.Buffers;
using System.Text;
using System.Text.Json;
using FinanceIngest.Http;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Alerts;

/// <summary>The alert queue's message: the older system's fields, and what a mail or a reader needs beyond them.</summary>
internal static class AlertMessage
{
    /// <summary>The alert of an anomaly.</summary>
    /// <param name="anomaly">The anomaly.</param>
    /// <param name="ids">Makes the alert's id.</param>
    /// <param name="traceParent">W3C trace context of its transaction, if any.</param>
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
            if (traceParent is not null)
            {
                json.WriteString("traceparent", traceParent);
            }

            json.WriteEndObject();
        }

        return new NewAlert(alertId, anomaly.Id, Encoding.UTF8.GetString(buffer.WrittenSpan), traceParent, anomaly.ScoredAt.Value);
    }
}
