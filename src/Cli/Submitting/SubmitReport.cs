using System.Globalization;
using System.Text.Json;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Submitting;

/// <summary>Writes the summary of a submission.</summary>
internal static class SubmitReport
{
    private const int ShownAnomalies = 20;

    /// <summary>Writes the summary as text or JSON, and advice to standard error.</summary>
    public static void Write(Report report, SubmitOutcome outcome)
    {
        if (report.Json)
        {
            report.WriteJson(json => Write(json, outcome));
        }
        else
        {
            WriteCounts(report, outcome);
            WriteRejected(report, outcome.Tally);
            WriteAnomalies(report, outcome.Scores);
        }

        WriteAdvice(report, outcome);
    }

    private static void WriteCounts(Report report, SubmitOutcome outcome)
    {
        SubmitTally tally = outcome.Tally;
        report.WriteLine($"rows      {Number(tally.Rows)}");
        report.WriteLine($"accepted  {Number(tally.Accepted)}");
        report.WriteLine($"rejected  {Number(tally.Rejected)}");
        if (tally.Unsent > 0)
        {
            report.WriteLine($"unsent    {Number(tally.Unsent)}");
        }

        report.WriteLine($"retries   {Number(tally.Retries)}");
        report.WriteLine($"elapsed   {Seconds(outcome.Elapsed)} s");
        if (outcome.Scores is { } scores)
        {
            report.WriteLine($"scored    {Number(scores.Scored)}");
            report.WriteLine($"anomalies {Number(scores.Anomalies)}");
            report.WriteLine($"failed    {Number(scores.Failed)}");
            if (scores.Other > 0)
            {
                report.WriteLine($"other     {Number(scores.Other)}: purged, or unknown to the server");
            }
        }
    }

    private static void WriteRejected(Report report, SubmitTally tally)
    {
        IReadOnlyList<RejectedRow> rows = tally.RejectedRows;
        foreach (RejectedRow row in rows)
        {
            report.WriteLine($"line {Number(row.Line)}: {row.Reason}");
        }

        if (tally.Rejected > rows.Count)
        {
            report.WriteLine($"… and {Counted.Of(tally.Rejected - rows.Count, "rejected row")} more.");
        }
    }

    private static void WriteAnomalies(Report report, ScoreSummary? scores)
    {
        if (scores is not { Anomalies: > 0 })
        {
            return;
        }

        report.WriteLine(scores.Anomalies > ShownAnomalies ? $"The {ShownAnomalies} anomalies farthest from normal:" : "The anomalies:");
        report.WriteTable(
            ["z", "user", "category", "amount", "occurred at", "id"],
            scores.Farthest.Take(ShownAnomalies).Select(anomaly => (string[])
            [
                anomaly.ZScore.ToString("F2", CultureInfo.InvariantCulture),
                anomaly.Text("user_id"), anomaly.Text("category_id"), anomaly.Text("amount"), anomaly.Text("occurred_at"), anomaly.Text("id"),
            ]));
    }

    private static void WriteAdvice(Report report, SubmitOutcome outcome)
    {
        SubmitTally tally = outcome.Tally;
        foreach (RepeatedKey repeated in tally.RepeatedKeys)
        {
            report.Note($"line {Number(repeated.Line)}: has the user and the idempotency key of line {Number(repeated.FirstLine)}: both are one transaction.");
        }

        if (tally.RepeatedKeyCount > tally.RepeatedKeys.Count)
        {
            report.Note($"… and {Counted.Of(tally.RepeatedKeyCount - tally.RepeatedKeys.Count, "row")} more with a key that an earlier row has.");
        }

        if (outcome.Problem is not null)
        {
            report.Note($"{outcome.Problem.TrimEnd('.')}. Not all of the file was sent; run the same command again: accepted rows are recognised.");
        }

        if (outcome.KeysUseContent && outcome.Tally.Rejected > 0)
        {
            report.Note(
                "The idempotency keys of these rows depend on the content of the whole file, so put corrected rows into a new file. "
                    + "If you edit this file and send it again, rows that were accepted count again.");
        }
    }

    private static void Write(Utf8JsonWriter json, SubmitOutcome outcome)
    {
        SubmitTally tally = outcome.Tally;
        json.WriteStartObject();
        json.WriteNumber("rows", tally.Rows);
        json.WriteNumber("accepted", tally.Accepted);
        json.WriteNumber("rejected", tally.Rejected);
        json.WriteNumber("unsent", tally.Unsent);
        json.WriteNumber("retries", tally.Retries);
        json.WriteNumber("elapsed_seconds", Math.Round(outcome.Elapsed.TotalSeconds, 3));
        json.WriteStartArray("rejected_rows");
        foreach (RejectedRow row in tally.RejectedRows)
        {
            json.WriteStartObject();
            json.WriteNumber("line", row.Line);
            json.WriteString("reason", row.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (tally.RepeatedKeyCount > 0)
        {
            json.WriteNumber("repeated_keys", tally.RepeatedKeyCount);
        }

        if (outcome.Scores is not null)
        {
            WriteScores(json, outcome.Scores);
        }

        if (outcome.Problem is not null)
        {
            json.WriteString("problem", outcome.Problem);
        }

        json.WriteEndObject();
    }

    private static void WriteScores(Utf8JsonWriter json, ScoreSummary scores)
    {
        json.WriteNumber("scored", scores.Scored);
        json.WriteNumber("failed", scores.Failed);
        json.WriteNumber("purged_or_unknown", scores.Other);
        json.WriteNumber("anomalies", scores.Anomalies);
        json.WriteStartArray("farthest_anomalies");
        foreach (Anomaly anomaly in scores.Farthest)
        {
            anomaly.Result.WriteTo(json);
        }

        json.WriteEndArray();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan value) => value.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture);
}
