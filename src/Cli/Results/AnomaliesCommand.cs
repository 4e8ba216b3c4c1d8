using System.CommandLine;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Results;

namespace FinanceIngest.Cli.Results;

/// <summary>The command <c>anomalies</c>.</summary>
internal static class AnomaliesCommand
{
    private const long DefaultLimit = 100;
    private const long MaximumLimit = 100_000;
    private static readonly string[] s_fields = ["id", "user_id", "category_id", "amount", "z_score", "occurred_at"];

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        Option<long?> user = Ranges.Optional("--user", "Only those of this user_id.", 1, long.MaxValue);
        Option<long?> category = Ranges.Optional("--category", "Only those in this category_id.", 1, long.MaxValue);
        Option<DateTime?> from = Instants.Optional(
            "--from", "Only those that occurred at or after this time (RFC 3339, or a date, which begins at midnight UTC).");
        Option<DateTime?> to = Instants.Optional("--to", "Only those that occurred before this time.");
        Option<long?> limit = Ranges.Optional("--limit", $"How many at most, 1 to {MaximumLimit}; default {DefaultLimit}.", 1, MaximumLimit);
        var after = new Option<string?>("--after") { Description = "Continues behind an earlier answer, which named this cursor.", HelpName = "CURSOR" };
        var command = new Command("anomalies", "Lists the anomaly history by the time at which they occurred, newest first.")
        {
            user, category, from, to, limit, after,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            long wanted = parsed.GetValue(limit) ?? DefaultLimit;
            string? cursor = parsed.GetValue(after);
            var found = new List<JsonElement>();
            ResultsReader reader = session.Get<ResultsReader>();
            do
            {
                (IReadOnlyList<JsonElement> page, cursor) = await ReadAsync(
                    reader, parsed.GetValue(user), parsed.GetValue(category), parsed.GetValue(from), parsed.GetValue(to), cursor,
                    (int)Math.Min(ResultsReader.MaximumPage, wanted - found.Count), cancellationToken);
                found.AddRange(page);
            }
            while (cursor is not null && found.Count < wanted);

            Write(session.Report, found, cursor);
            return ProgramHost.Done;
        });
        return command;
    }

    private static async Task<(IReadOnlyList<JsonElement> Page, string? Next)> ReadAsync(
        ResultsReader reader, long? user, long? category, DateTime? from, DateTime? to, string? after, int limit, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAnomaliesAsync(user, category, from, to, after, limit, cancellationToken);
        }
        catch (FormatException e)
        {
            throw CliException.WrongUse($"--after: {e.Message}");
        }
    }

    private static void Write(Report report, List<JsonElement> found, string? next)
    {
        if (report.Json)
        {
            report.WriteJson(json =>
            {
                json.WriteStartArray();
                found.ForEach(anomaly => anomaly.WriteTo(json));
                json.WriteEndArray();
            });
        }
        else if (found.Count == 0)
        {
            report.WriteLine("No anomalies.");
        }
        else
        {
            report.WriteTable(["id", "user", "category", "amount", "z-score", "occurred at"], found.Select(Row));
        }

        if (next is not null)
        {
            report.Note($"There are more: --after {next}");
        }
    }

    private static string[] Row(JsonElement anomaly) =>
        [.. s_fields.Select(name => ResultText.Field(anomaly, name))];
}
