using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Poison;

/// <summary>The command <c>poison show</c>.</summary>
internal static class PoisonShowCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var id = new Argument<string>("ID") { Description = "The message's id, from 'poison list'." };
        var command = new Command("show", "Shows a poison message: reason, exception, text.") { id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed);
            return await RunAsync(session, parsed.GetRequiredValue(id), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(CommandSession session, string id, CancellationToken cancellationToken)
    {
        PoisonMessage message = await session.Get<PoisonOperations>().FindAsync(id, cancellationToken)
            ?? throw new CliException($"There is no poison message {id}.");
        string? json = MessageText.TryDecode(message.Body, out byte[] decoded) ? Encoding.UTF8.GetString(decoded) : null;
        if (session.Report.Json)
        {
            session.Report.WriteJson(writer => Write(writer, message, json));
        }
        else
        {
            Write(session.Report, message, json);
        }

        return ProgramHost.Done;
    }

    private static void Write(Report report, PoisonMessage message, string? json)
    {
        report.WriteLine($"id           {message.MessageId}");
        report.WriteLine($"reason       {message.Reason}");
        report.WriteLine($"attempts     {message.Attempts.ToString(CultureInfo.InvariantCulture)}");
        report.WriteLine($"inserted at  {Timestamp.ToText(message.InsertedAt)}");
        report.WriteLine($"failed at    {Timestamp.ToText(message.FailedAt)}");
        report.WriteLine($"trace        {message.TraceParent ?? "none"}");
        report.WriteLine($"text         {message.Body}");
        if (json is not null && json != message.Body)
        {
            report.WriteLine($"decoded      {json}");
        }

        if (message.Exception is not null)
        {
            report.WriteLine("exception");
            report.WriteLines(message.Exception);
        }
    }

    private static void Write(Utf8JsonWriter writer, PoisonMessage message, string? json)
    {
        writer.WriteStartObject();
        PoisonJson.WriteFields(writer, new PoisonSummary(
            message.MessageId, message.Reason, message.Attempts, message.TraceParent, message.InsertedAt, message.FailedAt));
        if (message.Exception is not null)
        {
            writer.WriteString("exception", message.Exception);
        }

        writer.WriteString("body", message.Body);
        if (json is not null)
        {
            writer.WriteString("decoded", json);
        }

        writer.WriteEndObject();
    }
}
