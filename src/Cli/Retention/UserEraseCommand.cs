using System.CommandLine;
using System.Globalization;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Retention;

namespace FinanceIngest.Cli.Retention;

/// <summary>The command <c>user erase</c>.</summary>
internal static class UserEraseCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var id = new Argument<long>("ID") { Description = "The user_id." };
        id.Validators.Add(result =>
        {
            // The validator reads the text itself, because GetValue would throw for text that is no number.
            if (result.Tokens.Count == 1
                && (!long.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out long value) || value < 1))
            {
                result.AddError("A user_id is a whole number from 1.");
            }
        });
        var yes = new Option<bool>("--yes", "-y") { Description = "Do it without asking." };
        var command = new Command(
            "erase", "Removes everything about a person: transactions, baselines, alerts, poison messages. Ids stay as tombstones.") { id, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Changes);
            long userId = parsed.GetRequiredValue(id);
            if (!session.Report.MayRemove(parsed.GetValue(yes), $"everything about user {userId.ToString(CultureInfo.InvariantCulture)}"))
            {
                session.Report.Note("Nothing was removed.");
                return ProgramHost.Failed;
            }

            return Write(session.Report, userId, await session.Get<UserErasure>().EraseAsync(userId, cancellationToken));
        });
        return command;
    }

    private static int Write(Report report, long userId, ErasureOutcome outcome)
    {
        if (report.Json)
        {
            WriteJson(report, userId, outcome);
        }
        else
        {
            string unsent = $"{Number(outcome.Rows.UnsentAlerts)} of them unsent, now dropped";
            string rewritten = $"{Number(outcome.Poison.Rewritten)} more also hold transactions of others, and were rewritten without this user's";
            report.WriteTable(
                ["removed", "number", ""],
                [
                    ["transactions", Number(outcome.Rows.Transactions), "their ids stay as tombstones"],
                    ["alerts", Number(outcome.Rows.Alerts), outcome.Rows.UnsentAlerts == 0 ? "" : unsent],
                    ["recorded repeats", Number(outcome.Rows.RepeatConflicts), ""],
                    ["baselines", Number(outcome.Rows.Baselines), ""],
                    ["waiting transactions", Number(outcome.WaitingTransactions), outcome.WaitingTransactions == 0 ? "" : "their ids stay as tombstones"],
                    ["alerts on their queue", Number(outcome.QueuedAlerts), ""],
                    ["poison messages", Number(outcome.Poison.Removed), outcome.Poison.Rewritten == 0 ? "" : rewritten],
                ]);
        }

        foreach (string messageId in outcome.Poison.Suspect)
        {
            report.Note(
                $"Poison message {messageId} has this number where it can't be told whose it is, and may be about this user: "
                    + "look at it with \"poison show\", and remove it with \"poison drop\".");
        }

        if (outcome.Poison.SuspectCopies > 0)
        {
            report.Note(
                $"{Counted.Of(outcome.Poison.SuspectCopies, "message")} without a record on the poison queue may be about this user too: "
                    + "\"queue peek poison\" shows them.");
        }

        if (outcome.Poison.OutOfReach > 0)
        {
            report.Note(
                $"Another process holds {Number(outcome.Poison.OutOfReach)} of the poison queue's messages, for at most five minutes. "
                    + "Run the command again afterwards.");
        }

        if (outcome.InboundMessages > 0)
        {
            report.Note(
                $"{Counted.Of(outcome.InboundMessages, "message")} of the inbound queue may hold more, and can't be searched or are in a worker's hands: "
                    + "run the command again when they are scored.");
        }

        if (!outcome.IsForgotten)
        {
            report.Note("Running programs kept a log beside the database in use, which still holds what was deleted: run the command again.");
        }

        report.Note("Out of reach are alerts already fetched, backups, and results that clients have already read.");
        return outcome.Poison.OutOfReach == 0 && outcome.IsForgotten ? ProgramHost.Done : ProgramHost.Failed;
    }

    private static void WriteJson(Report report, long userId, ErasureOutcome outcome) => report.WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("user_id", userId);
        json.WriteNumber("transactions", outcome.Rows.Transactions);
        json.WriteNumber("alerts", outcome.Rows.Alerts);
        json.WriteNumber("unsent_alerts", outcome.Rows.UnsentAlerts);
        json.WriteNumber("repeat_conflicts", outcome.Rows.RepeatConflicts);
        json.WriteNumber("baselines", outcome.Rows.Baselines);
        json.WriteNumber("waiting_transactions", outcome.WaitingTransactions);
        json.WriteNumber("queued_alerts", outcome.QueuedAlerts);
        json.WriteStartObject("poison_messages");
        json.WriteNumber("removed", outcome.Poison.Removed);
        json.WriteNumber("rewritten", outcome.Poison.Rewritten);
        json.WriteStartArray("suspect");
        foreach (string messageId in outcome.Poison.Suspect)
        {
            json.WriteStringValue(messageId);
        }

        json.WriteEndArray();
        json.WriteNumber("suspect_without_record", outcome.Poison.SuspectCopies);
        json.WriteNumber("out_of_reach", outcome.Poison.OutOfReach);
        json.WriteEndObject();
        json.WriteNumber("inbound_messages", outcome.InboundMessages);
        json.WriteEndObject();
    });

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
