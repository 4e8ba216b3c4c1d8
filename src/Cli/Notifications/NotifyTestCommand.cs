using System.CommandLine;
using FinanceIngest.Cli.Running;
using FinanceIngest.Composition;
using FinanceIngest.Hosting;
using FinanceIngest.Notifications;

namespace FinanceIngest.Cli.Notifications;

/// <summary>The command <c>notify test</c>.</summary>
internal static class NotifyTestCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var name = new Argument<string?>("CHANNEL")
        {
            Description = "The channel's name; without it, every channel is tested.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var user = new Option<long?>("--user") { Description = "Also send to the addresses that this user gave." };
        var command = new Command("test", "Sends one made-up notification through each channel, and says what came of it.") { name, user };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(
                host, options, parsed, CommandKind.Reads, (services, settings) => services.AddNotificationChannels(settings));
            string? channel = parsed.GetValue(name);
            if (session.Settings.Notify.Channels.Count == 0)
            {
                throw new CliException("There is no channel: set FinanceIngest__Notify__Channels__NAME__Type and its other settings.");
            }

            if (channel is not null && !session.Settings.Notify.Channels.Any(known => known.Name == channel))
            {
                throw CliException.WrongUse(
                    $"There is no channel '{channel}'; there are {string.Join(", ", session.Settings.Notify.Channels.Select(known => known.Name))}.");
            }

            long? userId = parsed.GetValue(user);
            ChannelTests tests = userId is null ? session.GetAlone<ChannelTests>() : session.Get<ChannelTests>();
            IReadOnlyList<ChannelTestOutcome> outcomes = await tests.RunAsync(channel, userId, cancellationToken);
            Write(session.Report, outcomes);
            return outcomes.All(outcome => outcome.IsDelivered) ? ProgramHost.Done : ProgramHost.Failed;
        });
        return command;
    }

    private static void Write(Report report, IReadOnlyList<ChannelTestOutcome> outcomes)
    {
        if (!report.Json)
        {
            report.WriteTable(
                ["channel", "type", "to", "delivered", "problem"],
                outcomes.Select(outcome => new[]
                {
                    outcome.Channel, outcome.Type.ToString().ToLowerInvariant(), outcome.Address ?? "fixed", outcome.IsDelivered ? "yes" : "no",
                    outcome.Problem ?? "",
                }));
            return;
        }

        report.WriteJson(json =>
        {
            json.WriteStartArray();
            foreach (ChannelTestOutcome outcome in outcomes)
            {
                json.WriteStartObject();
                json.WriteString("channel", outcome.Channel);
                json.WriteString("type", outcome.Type.ToString().ToLowerInvariant());
                json.WriteString("address", outcome.Address);
                json.WriteBoolean("delivered", outcome.IsDelivered);
                json.WriteString("problem", outcome.Problem);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }
}
