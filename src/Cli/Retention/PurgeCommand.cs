using System.CommandLine;
using System.Globalization;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Retention;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Retention;

/// <summary>The command <c>purge</c>.</summary>
internal static class PurgeCommand
{
    private const int MaximumDays = 36_500;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var days = new Option<int?>("--older-than-days")
        {
            Description = "Removes everything older than N days, whatever FinanceIngest__Retention__Days says; asks first.",
            HelpName = "N",
        };
        days.Validators.Add(result =>
        {
            // The validator reads the text itself, because GetValue would throw for text that is no number.
            if (result.Tokens.Count == 1
                && (!int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value is < 1 or > MaximumDays))
            {
                result.AddError($"--older-than-days must be from 1 to {MaximumDays}.");
            }
        });
        var yes = new Option<bool>("--yes", "-y") { Description = "Do it without asking." };
        var command = new Command(
            "purge", "Applies the retention: removes transactions and poison messages older than a number of days. Ids stay as tombstones.") { days, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Changes);
            int? given = parsed.GetValue(days);
            int age = given ?? session.Settings.RetentionDays
                ?? throw CliException.WrongUse("There is no retention to apply: set FinanceIngest__Retention__Days, or give --older-than-days N.");

            // A purge by the setting needs no confirmation, because workers apply the setting without asking as well.
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
        if (outcome.Rows.OthersAreAtIt)
        {
            throw new CliException("Another process is applying the retention at this moment; nothing was removed by this command. Run it again afterwards.");
        }

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
                $"{Counted.Of(outcome.Rows.Transactions, "transaction")} from before {Timestamp.ToText(outcome.Before)} removed, "
                    + $"with {Counted.Of(outcome.Rows.Alerts, "alert")} and {Counted.Of(outcome.Rows.RepeatConflicts, "recorded repeat")}; "
                    + "their ids stay as tombstones.");
            report.WriteLine($"{Counted.Of(messages, "poison message")} removed.");
        }

        if (outcome.Poison.OutOfReach > 0)
        {
            string held = outcome.Poison.OutOfReach.ToString(CultureInfo.InvariantCulture);
            report.Note($"Another process holds {held} of the poison queue's messages, for at most five minutes. Run the command again afterwards.");
        }

        return outcome.Poison.OutOfReach == 0 ? ProgramHost.Done : ProgramHost.Failed;
    }
}
