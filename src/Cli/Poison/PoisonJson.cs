using System.Text.Json;
using FinanceIngest.Http;
using FinanceIngest.Poison;

namespace FinanceIngest.Cli.Poison;

/// <summary>Writes poison messages, and the outcomes of commands on them, as JSON.</summary>
internal static class PoisonJson
{
    /// <summary>Writes a record's short fields; a field that is null is left out.</summary>
    public static void WriteFields(Utf8JsonWriter json, PoisonSummary message)
    {
        json.WriteString("message_id", message.MessageId);
        json.WriteString("reason", message.Reason);
        json.WriteNumber("attempts", message.Attempts);
        json.WriteTime("inserted_at", message.InsertedAt);
        json.WriteTime("failed_at", message.FailedAt);
        if (message.TraceParent is not null)
        {
            json.WriteString("traceparent", message.TraceParent);
        }
    }

    /// <summary>Writes an outcome.</summary>
    /// <param name="json">The writer.</param>
    /// <param name="done">The name of the messages that were handled: <c>redriven</c> or <c>dropped</c>.</param>
    /// <param name="outcome">The outcome.</param>
    public static void Write(Utf8JsonWriter json, string done, PoisonOutcome outcome)
    {
        json.WriteStartObject();
        WriteList(json, done, outcome.Done);
        json.WriteNumber($"{done}_without_record", outcome.DoneWithoutRecord);
        json.WriteStartArray("refused");
        foreach (PoisonRefusal refusal in outcome.Refused)
        {
            json.WriteStartObject();
            json.WriteString("message_id", refusal.MessageId);
            json.WriteString("reason", refusal.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteList(json, "unknown", outcome.Unknown);
        WriteList(json, "unfinished", outcome.Unfinished);
        json.WriteNumber("out_of_reach", outcome.OutOfReach);
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
