using System.CommandLine;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Storage;

namespace FinanceIngest.Cli.Storage;

/// <summary><c>migrate</c>.</summary>
internal static class MigrateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var command = new Command("migrate", "Brings the database to this program's schema version. Safe to repeat.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed);
            return await RunAsync(session.Get<IDatabaseMigrator>(), session.Report, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(IDatabaseMigrator migrator, Report report, CancellationToken cancellationToken)
    {
        MigrationOutcome outcome = await migrator.MigrateAsync(cancellationToken);
        if (report.Json)
        {
            report.WriteJson(json => Write(json, migrator.Target, outcome));
        }
        else if (outcome.Applied.Count == 0)
        {
            report.WriteLine($"{migrator.Target} is at version {outcome.VersionAfter} already.");
        }
        else
        {
            report.WriteLine($"{migrator.Target}: version {outcome.VersionBefore} → {outcome.VersionAfter}.");
            report.WriteLine($"Applied: {string.Join(", ", outcome.Applied)}.");
        }

        return ProgramHost.Done;
    }

    private static void Write(Utf8JsonWriter json, string target, MigrationOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteString("database", target);
        json.WriteNumber("version_before", outcome.VersionBefore);
        json.WriteNumber("version_after", outcome.VersionAfter);
        json.WriteStartArray("applied");
        foreach (string name in outcome.Applied)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
