using System.CommandLine;
using System.Globalization;
using FinanceIngest.Cli.Running;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Retention;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Retention;

/// <summary><c>purge</c>.</summary>
internal static class PurgeCommand
{
    private const int MaximumDays = 36_500;

    /// <summary>The command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var days = new Option<int?>("--older-than-days")
        {
            Description = "Instead of FinanceIngest__Retention__Days; asks before it removes anything.",
            HelpName = "N",
        };
        days.Validators.Add(result =>
        {
            // From the text: asked for the value, what can't be converted would throw.
            if (result.Tokens.Count == 1
                && (!int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value is < 1 or > MaximumDays))
            {
                result.AddError($"--older-than-days must be from 1 to {MaximumDays}.");
            }
        });
        var yes = new Option<bool>("--yes", "-y") { Description = "Don't ask." };
        var command = new Command("purge", "Applies the retention: removes what was scored, or given up, so many days ago. Ids stay as tombstones.") { days, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed);
            int? given = parsed.GetValue(days);
            int age = given ?? session.Get<Settings>().RetentionDays
                ?? throw CliException.WrongUse("There is no retention to apply: set FinanceIngest__Retention__Days, or give --older-than-days N.");

            // The setting was decided on already, and workers apply it by themselves.
            if (given is not null && !session.Report.MayRemove(parsed.GetValue(yes), $"everything older than {Counted.Of(age, "day")}"))
            {
                session.Report.Note("Nothing was removed.");
                return ProgramHost.Failed;
            }

            return Write(session.Report, age, await session.Get<RetentionPurge>().PurgeAsync(age, cancellationToken));
        });
        return command;
    }

    private static int Write(Report report, int days, PurgeOutcome outcome)
    {
        long messages = outcome.Poison.Done.Count + outcome.Poison.DoneWithoutRecord;
        if (report.Json)
        {
            report.WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("days", days);
                json.WriteString("before", Timestamp.ToText(outcome.Before));
                json.WriteNumber("transactions", outcome.Rows.Transactions);
                json.WriteNumber("repeat_conflicts", outcome.Rows.RepeatConflicts);
                json.WriteNumber("alerts", outcome.Rows.Alerts);
                json.WriteNumber("poison_messages", messages);
                json.WriteNumber("out_of_reach", outcome.Poison.OutOfReach);
                json.WriteEndObject();
            });
        }
        else
        {
            report.WriteLine(
                $"{Counted.Of(outcome.Rows.Transactions, "transaction")} from before {Timestamp.ToText(outcome.Before)} removed, with {Counted.Of(outcome.Rows.Alerts, "alert")} and {Counted.Of(outcome.Rows.RepeatConflicts, "recorded repeat")}; their ids stay as tombstones.");
            report.WriteLine($"{Counted.Of(messages, "poison message")} removed.");
        }

        if (outcome.Poison.OutOfReach > 0)
        {
            report.Note($"Another process holds {outcome.Poison.OutOfReach.ToString(CultureInfo.InvariantCulture)} of the poison queue's messages, for at most five minutes. Run it again then.");
        }

        return outcome.Poison.OutOfReach == 0 ? ProgramHost.Done : ProgramHost.Failed;
    }
}
