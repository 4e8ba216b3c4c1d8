using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Storage;

namespace FinanceIngest.Cli.Storage;

/// <summary>The command <c>migrate</c>.</summary>
internal static class MigrateCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var timeZone = new Option<TimeZoneInfo>("--time-zone")
        {
            Description = "For a database of the older system: the time zone of its local times, such as Asia/Kolkata (default UTC, the time of Azure SQL).",
            HelpName = "NAME",
            CustomParser = ParseTimeZone,
            DefaultValueFactory = _ => TimeZoneInfo.Utc,
        };
        var roles = new Option<bool>("--roles")
        {
            Description = "Also create the roles finance_ingest_intake, finance_ingest_worker, finance_ingest_retention and finance_ingest_operator, "
                + "and grant each the rights that it needs (SQL Server).",
        };
        var command = new Command(
            "migrate", "Brings the database, also one of the older system, to this program's schema version. It is safe to repeat.") { timeZone, roles };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Makes);
            var migration = new MigrationOptions
            {
                OlderTimeZone = parsed.GetRequiredValue(timeZone),
                Roles = parsed.GetValue(roles),
                Begins = step => Announce(session.Report, step),
            };
            return await RunAsync(session.Get<IDatabaseMigrator>(), migration, session.Report, cancellationToken);
        });
        return command;
    }

    private static void Announce(Report report, MigrationStep step)
    {
        // A new database takes a moment, and there is nothing to wait for.
        if (step.Transactions > 0)
        {
            report.Note($"Step {step.Number} of {step.Of}: {step.Name}, on about {step.Transactions} transactions. "
                + "Steps that were finished stay when this command is ended, and the next one goes on behind them.");
        }
    }

    private static async Task<int> RunAsync(IDatabaseMigrator migrator, MigrationOptions options, Report report, CancellationToken cancellationToken)
    {
        MigrationOutcome outcome = await migrator.MigrateAsync(options, cancellationToken);
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
            if (outcome.OlderSystem is { } older)
            {
                report.WriteLine("Taken over from the older system:");
                foreach ((string _, string text, long count) in Lines(older))
                {
                    report.WriteLine($"  {count} {text}");
                }

                foreach (string added in older.PutBack)
                {
                    report.WriteLine($"Put back: {added}.");
                }

                foreach (string added in older.NotPutBack)
                {
                    report.WriteLine($"NOT put back, as it does not fit the new table: {added}.");
                }
            }
        }

        if (options.Roles && !report.Json)
        {
            report.WriteLine("The roles have their rights. Make each program's user a member of its role: ALTER ROLE finance_ingest_worker ADD MEMBER [user].");
        }

        return ProgramHost.Done;
    }

    private static void Write(Utf8JsonWriter json, string target, MigrationOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteString("database", target);
        json.WriteNumber("version_before", outcome.VersionBefore);
        json.WriteNumber("version_after", outcome.VersionAfter);
        WriteNames(json, "applied", outcome.Applied);
        if (outcome.OlderSystem is { } older)
        {
            json.WriteStartObject("older_system");
            foreach ((string name, string _, long count) in Lines(older))
            {
                json.WriteNumber(name, count);
            }

            WriteNames(json, "put_back", older.PutBack);
            WriteNames(json, "not_put_back", older.NotPutBack);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter json, string property, IReadOnlyList<string> names)
    {
        json.WriteStartArray(property);
        foreach (string name in names)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
    }

    private static IEnumerable<(string Name, string Text, long Count)> Lines(OlderSystemReport older) =>
    [
        ("baselines", "baselines", older.Baselines),
        ("baselines_superseded", "baselines that were not the newest of their key, now in anomaly_stats_superseded", older.BaselinesSuperseded),
        ("transactions", "transactions", older.Transactions),
        ("amounts_rounded", "amounts rounded to four decimals, the original in amount_legacy", older.AmountsRounded),
        ("amounts_out_of_range", "amounts too large, the original in amount_legacy", older.AmountsOutOfRange),
        ("flags_filled_in", "empty is_anomaly filled in from the score", older.FlagsFilledIn),
        ("times_filled_in", "empty created_at, filled in with the time of this upgrade", older.TimesFilledIn),
        ("times_ambiguous", "local times that are ambiguous because clocks were set back, read as standard time", older.TimesAmbiguous),
        ("times_absurd", "times from before 2000 or after this upgrade, kept as they are", older.TimesAbsurd),
    ];

    private static TimeZoneInfo? ParseTimeZone(ArgumentResult argument)
    {
        string name = argument.Tokens[0].Value;
        if (TimeZoneInfo.TryFindSystemTimeZoneById(name, out TimeZoneInfo? zone))
        {
            return zone;
        }

        argument.AddError($"'{name}' is not a time zone that this machine knows.");
        return null;
    }
}
