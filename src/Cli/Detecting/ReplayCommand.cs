using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using FinanceIngest.Cli.Running;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.Replay;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Detecting;

/// <summary>The command <c>replay</c>.</summary>
internal static class ReplayCommand
{
    private const double LeastBudget = 0.001;
    private const double MostBudget = 1000;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var detector = new Option<string>("--detector")
        {
            Description = $"The detector: {string.Join(" or ", DetectorNames.All)}.",
            HelpName = "NAME",
            Required = true,
        };
        detector.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !DetectorNames.All.Contains(result.Tokens[0].Value))
            {
                result.AddError($"--detector must be one of {string.Join(", ", DetectorNames.All)}.");
            }
        });
        Option<DateTime?> from = Instants.Optional(
            "--from", "Judges rows that occurred at or after this time (RFC 3339, or a date, which begins at midnight UTC); earlier ones are learned.");
        Option<DateTime?> to = Instants.Optional("--to", "Judges rows that occurred before this time; later ones are not read.");
        var output = new Option<string?>("--output")
        {
            Description = "A .csv file of all rows that were judged; an existing file is replaced.",
            HelpName = "FILE",
        };
        var budget = new Option<double?>("--alerts-per-user-month")
        {
            Description = $"The budget of {DetectorNames.Adaptive}, in place of FinanceIngest__Detection__AlertsPerUserMonth.",
            HelpName = "X",
            CustomParser = ParseBudget,
        };
        var command = new Command("replay", "Scores the history again without changing it: what would be an anomaly, and what would not.")
        {
            detector, from, to, output, budget,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string name = parsed.GetRequiredValue(detector);
            double? given = parsed.GetValue(budget);
            if (given is not null && name != DetectorNames.Adaptive)
            {
                throw CliException.WrongUse($"--alerts-per-user-month is for {DetectorNames.Adaptive}; {name} has FinanceIngest__Scoring__Threshold.");
            }

            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            string? file = parsed.GetValue(output);
            var wish = new ReplayWish(
                name, new Period(parsed.GetValue(from), parsed.GetValue(to)), given ?? session.Settings.AlertsPerUserMonth, WithWords: file is not null);
            var summary = new ReplaySummary(wish.Period.To);
            IAsyncEnumerable<ReplayedRow> rows = session.Get<HistoryReplay>().RunAsync(wish, summary, cancellationToken);
            await ReplayFile.WriteAsync(file, rows, cancellationToken);
            Write(session.Report, name, summary, file);
            return ProgramHost.Done;
        });
        return command;
    }

    private static double? ParseBudget(ArgumentResult argument)
    {
        if (double.TryParse(argument.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double budget)
            && budget is >= LeastBudget and <= MostBudget)
        {
            return budget;
        }

        argument.AddError(string.Create(CultureInfo.InvariantCulture, $"--alerts-per-user-month must be a number from {LeastBudget} to {MostBudget}."));
        return null;
    }

    private static void Write(Report report, string detector, ReplaySummary summary, string? file)
    {
        if (report.Json)
        {
            WriteJson(report, detector, summary, file);
            return;
        }

        List<(string, string)> fields =
        [
            ("detector", detector),
            ("rows", Number(summary.Rows)),
            ("users", Number(summary.Users)),
            ("first row", summary.First is { } first ? Timestamp.ToText(first) : "none"),
            ("last row", summary.Last is { } last ? Timestamp.ToText(last) : "none"),
            ("anomalies as stored", Rate(summary, summary.Stored)),
            ("anomalies as replayed", Rate(summary, summary.Replayed)),
            ("both", Number(summary.Both)),
            ("stored, no longer", Number(summary.NoLonger)),
            ("replayed, new", Number(summary.New)),
        ];
        if (file is not null)
        {
            fields.Add(("file", file));
        }

        report.WriteFields(fields);
    }

    private static void WriteJson(Report report, string detector, ReplaySummary summary, string? file) => report.WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteString("detector", detector);
        json.WriteNumber("rows", summary.Rows);
        json.WriteNumber("users", summary.Users);
        json.WriteNumber("user_months", summary.UserMonths);
        if (summary is { First: { } first, Last: { } last })
        {
            json.WriteTime("first", first);
            json.WriteTime("last", last);
        }
        else
        {
            json.WriteNull("first");
            json.WriteNull("last");
        }

        json.WriteNumber("stored", summary.Stored);
        RateText.Write(json, "stored_per_user_month", summary.PerUserMonth(summary.Stored));
        json.WriteNumber("replayed", summary.Replayed);
        RateText.Write(json, "replayed_per_user_month", summary.PerUserMonth(summary.Replayed));
        json.WriteNumber("both", summary.Both);
        json.WriteNumber("no_longer", summary.NoLonger);
        json.WriteNumber("new", summary.New);
        json.WriteString("file", file);
        json.WriteEndObject();
    });

    private static string Rate(ReplaySummary summary, long anomalies) =>
        $"{Number(anomalies)} ({RateText.Of(summary.PerUserMonth(anomalies))} per user and month)";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
