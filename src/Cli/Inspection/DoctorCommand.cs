using System.CommandLine;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Cli.Inspection;

/// <summary>The command <c>doctor</c>.</summary>
internal static class DoctorCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var command = new Command(
            "doctor",
            "Says what is wrong and what to do, before anything is started: settings and where each comes from, database, queues, keys, files, disk.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var report = new Report(host, parsed.GetValue(options.Json));
            SettingSources sources = SettingSources.Of(parsed.GetValue(options.DataDirectory));
            IReadOnlyList<Finding> findings = await LookAsync(sources, host, cancellationToken);
            IReadOnlyList<ShownSetting> shown = ShownSetting.All(sources);
            Write(report, shown, findings);
            return findings.Any(finding => finding.Verdict == Verdict.Problem) ? ProgramHost.Failed : ProgramHost.Done;
        });
        return command;
    }

    private static async Task<IReadOnlyList<Finding>> LookAsync(SettingSources sources, CliHost host, CancellationToken cancellationToken)
    {
        Finding[] files = [.. UnreadFile()];
        try
        {
            Settings settings = SettingsReader.Read(sources.Configuration, ProgramKind.Cli) with { ReadsOnly = true };
            IServiceCollection registered = new ServiceCollection().AddSingleton(host.Time).AddLogging().AddFinanceIngest(settings);
            await using ServiceProvider services = registered.BuildServiceProvider();
            var doctor = new Doctor(settings, services, host.Time, host.Patience);
            return [new Finding("settings", Verdict.Fine, "every one can be read"), .. files, .. await doctor.LookAsync(cancellationToken)];
        }
        catch (SettingsException e)
        {
            return [new Finding("settings", Verdict.Problem, e.Message, "Mend it; what follows from the settings was not looked at."), .. files];
        }
    }

    private static IEnumerable<Finding> UnreadFile()
    {
        string path = Path.GetFullPath("appsettings.json");
        if (File.Exists(path))
        {
            yield return new Finding(
                "settings", Verdict.Warning, $"{path} is read by a server that is started here, and not by this tool.",
                "Give this tool the same settings as environment variables.");
        }
    }

    private static void Write(Report report, IReadOnlyList<ShownSetting> settings, IReadOnlyList<Finding> findings)
    {
        if (report.Json)
        {
            report.WriteJson(json => Write(json, settings, findings));
            return;
        }

        report.WriteTable(["setting", "value", "from"], settings.Select(setting => new[] { setting.Name, setting.Value, setting.Origin }));
        report.WriteLine("");
        report.WriteTable(
            ["check", "is", "what was found"],
            findings.Select(finding => new[]
            {
                finding.Check, finding.VerdictName, finding.Advice is null ? finding.Text : $"{finding.Text} → {finding.Advice}",
            }));
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<ShownSetting> settings, IReadOnlyList<Finding> findings)
    {
        json.WriteStartObject();
        json.WriteBoolean("ok", !findings.Any(finding => finding.Verdict == Verdict.Problem));
        json.WriteStartArray("settings");
        foreach (ShownSetting setting in settings)
        {
            json.WriteStartObject();
            json.WriteString("name", setting.Name);
            json.WriteString("value", setting.Value);
            json.WriteString("from", setting.Origin);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("checks");
        foreach (Finding finding in findings)
        {
            json.WriteStartObject();
            json.WriteString("check", finding.Check);
            json.WriteString("status", finding.VerdictName);
            json.WriteString("text", finding.Text);
            json.WriteString("advice", finding.Advice);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
