using System.CommandLine;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Notifications;

namespace FinanceIngest.Cli.Notifications;

/// <summary>The command <c>notify keys</c>.</summary>
internal static class NotifyKeysCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var command = new Command("keys", "Makes a pair of VAPID keys for a channel of the type webpush. Nothing is kept.");
        command.SetAction(parsed =>
        {
            var report = new Report(host, parsed.GetValue(options.Json));
            VapidKeys keys = VapidKeys.Make();
            if (report.Json)
            {
                report.WriteJson(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("public_key", keys.PublicKey);
                    json.WriteString("private_key", keys.PrivateKey);
                    json.WriteEndObject();
                });
            }
            else
            {
                report.WriteLine($"FinanceIngest__Notify__Channels__NAME__PublicKey={keys.PublicKey}");
                report.WriteLine($"FinanceIngest__Notify__Channels__NAME__PrivateKey={keys.PrivateKey}");
                report.Note("The private key is a secret. With another pair, browsers have to subscribe again.");
            }

            return ProgramHost.Done;
        });
        return command;
    }
}
