using System.CommandLine;
using System.Text.Json;
using FinanceIngest.Backup;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Storage;

/// <summary>The command <c>backup</c>.</summary>
internal static class BackupCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var file = new Argument<string>("FILE") { Description = "The backup, a tar archive that only its owner can read." };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace a file of that name." };
        var command = new Command(
            "backup", "Writes an embedded installation, its signing key included, to one file. Programs may go on running.") { file, overwrite };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            session.RequireInstallation();
            string path = parsed.GetRequiredValue(file);
            BackupManifest manifest = await EmbeddedBackup.WriteAsync(
                session.Settings, path, parsed.GetValue(overwrite), host.Time, cancellationToken);
            Write(session.Report, Path.GetFullPath(path), manifest);
            if (session.Settings.UsesAzureQueues)
            {
                session.Report.Note("The queues are in Azure Storage, and so what waits on them is not in the backup.");
            }

            if (session.Settings.IdSigningKey is not null)
            {
                session.Report.Note("The signing key comes from FinanceIngest__IdSigningKey and is not in the backup: keep it apart.");
            }

            return ProgramHost.Done;
        });
        return command;
    }

    private static void Write(Report report, string path, BackupManifest manifest)
    {
        long bytes = new FileInfo(path).Length;
        if (!report.Json)
        {
            report.WriteLine(
                $"{path}: {Counted.Number((ulong)bytes)} bytes, of {Timestamp.ToText(manifest.CreatedAt)}, schema version {manifest.SchemaVersion}.");
            return;
        }

        report.WriteJson(json =>
        {
            json.WriteStartObject();
            json.WriteString("file", path);
            json.WriteNumber("bytes", bytes);
            WriteManifest(json, manifest);
            json.WriteEndObject();
        });
    }

    /// <summary>Writes what a manifest says, as fields of an object.</summary>
    public static void WriteManifest(Utf8JsonWriter json, BackupManifest manifest)
    {
        json.WriteTime("created_at", manifest.CreatedAt);
        json.WriteNumber("schema_version", manifest.SchemaVersion);
        json.WriteStartArray("files");
        foreach (BackupEntry entry in manifest.Files)
        {
            json.WriteStartObject();
            json.WriteString("name", entry.Name);
            json.WriteNumber("bytes", entry.Bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
