using System.CommandLine;
using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Files;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;

namespace FinanceIngest.Cli.Baselines;

/// <summary>The command <c>stats import</c>.</summary>
internal static class StatsImportCommand
{
    // Each chunk is one database transaction, and a rest follows it, so that a running scorer never waits long.
    private const int ChunkSize = 10_000;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A .csv, a .json, or the older system's anomaly_stats.pkl, which is read without executing anything.",
        };
        var command = new Command(
            "import", "Inserts baselines, or replaces those of the same user and category. Good rows are imported even if others are refused.") { file };
        var formOptions = new FileFormOptions();
        formOptions.AddTo(command, withTimes: false);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string path = StatsFileName.Check(parsed.GetRequiredValue(file));
            NumberForm number = formOptions.Read(parsed, BaselineFile.FormatOf(path) == BaselineFileFormat.Csv).Number;
            BaselineFileContent content = BaselineFile.Read(path, number);
            await using var session = new CommandSession(host, options, parsed, CommandKind.Makes);
            UpsertCounts counts = await ImportAsync(session.Get<IBaselineStore>(), content.Rows, host.Time, cancellationToken);
            Write(session.Report, counts, content);
            return content.RefusedCount == 0 ? ProgramHost.Done : ProgramHost.Failed;
        });
        return command;
    }

    private static async Task<UpsertCounts> ImportAsync(
        IBaselineStore store, IReadOnlyList<BaselineRow> rows, TimeProvider time, CancellationToken cancellationToken)
    {
        var counts = new UpsertCounts(0, 0);
        foreach (BaselineRow[] chunk in rows.Chunk(ChunkSize))
        {
            long began = time.GetTimestamp();
            UpsertCounts some = await store.UpsertAsync(chunk, cancellationToken);
            counts = new UpsertCounts(counts.Inserted + some.Inserted, counts.Updated + some.Updated);
            await BulkPace.RestAsync(time, began, cancellationToken);
        }

        return counts;
    }

    private static void Write(Report report, UpsertCounts counts, BaselineFileContent content)
    {
        if (report.Json)
        {
            report.WriteJson(json => Write(json, counts, content));
            return;
        }

        // Scripts look for these words of the older system.
        report.WriteLine($"Inserted {counts.Inserted} anomaly stat rows.");
        if (counts.Updated > 0)
        {
            report.WriteLine($"Updated {counts.Updated}.");
        }

        if (content.RefusedCount > 0)
        {
            report.WriteLine($"Refused {content.RefusedCount}:");
        }

        foreach (RefusedBaseline refused in content.Refused)
        {
            report.WriteLine($"  {refused}");
        }

        if (content.RefusedCount > content.Refused.Count)
        {
            report.WriteLine($"  … and {content.RefusedCount - content.Refused.Count} more.");
        }

        foreach (DuplicateBaseline duplicate in content.Duplicates)
        {
            report.Note($"{duplicate}");
        }

        if (content.DuplicateCount > content.Duplicates.Count)
        {
            report.Note($"… and {content.DuplicateCount - content.Duplicates.Count} more.");
        }
    }

    private static void Write(Utf8JsonWriter json, UpsertCounts counts, BaselineFileContent content)
    {
        json.WriteStartObject();
        json.WriteNumber("inserted", counts.Inserted);
        json.WriteNumber("updated", counts.Updated);
        json.WriteNumber("refused_count", content.RefusedCount);
        json.WriteStartArray("refused");
        foreach (RefusedBaseline refused in content.Refused)
        {
            json.WriteStartObject();
            json.WriteString("place", refused.Place);
            json.WriteString("reason", refused.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("duplicates");
        foreach (DuplicateBaseline duplicate in content.Duplicates)
        {
            json.WriteStartObject();
            json.WriteString("place", duplicate.Place);
            json.WriteString("replaced_place", duplicate.ReplacedPlace);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
