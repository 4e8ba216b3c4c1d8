using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.Replay;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Detecting;

/// <summary>The command <c>detectors compare</c>.</summary>
internal static class DetectorsCompareCommand
{
    private const long DefaultLimit = 100;
    private const long MaximumLimit = 100_000;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        Option<DateTime?> from = Instants.Optional(
            "--from", "Only rows that occurred at or after this time (RFC 3339, or a date, which begins at midnight UTC).");
        Option<DateTime?> to = Instants.Optional("--to", "Only rows that occurred before this time.");
        Option<long?> user = Ranges.Optional("--user", "Only rows of this user_id.", 1, long.MaxValue);
        Option<long?> limit = Ranges.Optional(
            "--limit", $"How many of the rows on which they differ are listed, the newest ones, 0 to {MaximumLimit}; default {DefaultLimit}.", 0,
            MaximumLimit);
        var command = new Command("compare", "Compares what the detector that decides and each shadow detector beside it called anomalies.")
        {
            from, to, user, limit,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            ComparisonOutcome outcome = await session.Get<DetectorComparison>().CompareAsync(
                new Period(parsed.GetValue(from), parsed.GetValue(to)), parsed.GetValue(user), (int)(parsed.GetValue(limit) ?? DefaultLimit),
                cancellationToken);
            Write(session.Report, outcome);
            return ProgramHost.Done;
        });
        return command;
    }

    private static void Write(Report report, ComparisonOutcome outcome)
    {
        if (report.Json)
        {
            report.WriteJson(json => Write(json, outcome));
        }
        else if (outcome.Rows == 0)
        {
            report.WriteLine("No row of the period was scored by a shadow detector: FinanceIngest__Detection__Shadow names them.");
        }
        else
        {
            report.WriteTable(
                ["decides", "shadow", "rows", "users", "both", "only it", "only the shadow", "its alerts per user and month", "the shadow's"],
                outcome.Pairs.Select(static pair => new[]
                {
                    pair.Live, pair.Shadow, Number(pair.Rows), Number(pair.Users), Number(pair.Both), Number(pair.OnlyLive), Number(pair.OnlyShadow),
                    RateText.Of(pair.LivePerUserMonth), RateText.Of(pair.ShadowPerUserMonth),
                }));
            if (outcome.Differences.Count > 0)
            {
                report.WriteLine("");
                report.WriteTable(
                    ["id", "user", "category", "amount", "occurred at", "only", "z-score", "the shadow's score"], outcome.Differences.Select(Row));
            }
        }

        if (outcome.Different > outcome.Differences.Count)
        {
            report.Note($"{Counted.Of(outcome.Different, "difference")} in all; --limit N lists up to {Number(MaximumLimit)}.");
        }
    }

    private static string[] Row(DetectorDifference difference)
    {
        HistoryRow row = difference.Row.Row;
        return
        [
            row.Id.ToString("D"), Number(row.UserId), Number(row.CategoryId), row.Amount.ToString("0.00##", CultureInfo.InvariantCulture),
            Timestamp.ToText(row.OccurredAt), row.IsAnomaly ? difference.Row.LiveName : difference.Shadow.Name, Score(difference.Row.ZScore),
            Score(difference.Shadow.Score),
        ];
    }

    private static void Write(Utf8JsonWriter json, ComparisonOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteNumber("rows", outcome.Rows);
        json.WriteStartArray("pairs");
        foreach (ComparedPair pair in outcome.Pairs)
        {
            json.WriteStartObject();
            json.WriteString("detector", pair.Live);
            json.WriteString("shadow", pair.Shadow);
            json.WriteNumber("rows", pair.Rows);
            json.WriteNumber("users", pair.Users);
            json.WriteNumber("user_months", pair.UserMonths);
            json.WriteNumber("both", pair.Both);
            json.WriteNumber("only_detector", pair.OnlyLive);
            json.WriteNumber("only_shadow", pair.OnlyShadow);
            RateText.Write(json, "detector_per_user_month", pair.LivePerUserMonth);
            RateText.Write(json, "shadow_per_user_month", pair.ShadowPerUserMonth);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("different", outcome.Different);
        json.WriteStartArray("differences");
        foreach (DetectorDifference difference in outcome.Differences)
        {
            Write(json, difference);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, DetectorDifference difference)
    {
        HistoryRow row = difference.Row.Row;
        json.WriteStartObject();
        json.WriteString("id", row.Id);
        json.WriteNumber("user_id", row.UserId);
        json.WriteNumber("category_id", row.CategoryId);
        json.WriteNumber("amount", row.Amount);
        json.WriteTime("occurred_at", row.OccurredAt);
        json.WriteString("detector", difference.Row.LiveName);
        json.WriteBoolean("is_anomaly", row.IsAnomaly);
        RateText.Write(json, "z_score", difference.Row.ZScore);
        json.WriteStartObject("shadow");
        json.WriteString("detector", difference.Shadow.Name);
        json.WriteBoolean("is_anomaly", difference.Shadow.IsAnomaly);
        RateText.Write(json, "score", difference.Shadow.Score);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Score(double? score) => score?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";
}
