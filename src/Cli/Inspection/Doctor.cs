using System.Globalization;
using FinanceIngest.Cli.Running;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Queueing;
using FinanceIngest.Replay;
using FinanceIngest.Storage;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Cli.Inspection;

/// <summary>Looks at an installation before anything is started. It makes and changes nothing.</summary>
/// <param name="settings">The installation's settings.</param>
/// <param name="services">Its services, of a process that only reads.</param>
/// <param name="time">The clock that is looked at.</param>
/// <param name="patience">How long the database and each queue are waited for.</param>
internal sealed class Doctor(Settings settings, IServiceProvider services, TimeProvider time, TimeSpan patience)
{
    private const long Gibibyte = 1024 * 1024 * 1024;
    private const long LittleSpace = Gibibyte;
    private const long NoSpace = Gibibyte / 10;
    private const int ShortSecret = 16;
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromMinutes(1);

    // Nobody runs this program before it was written.
    private static readonly DateTimeOffset s_written = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private bool UsesDirectory => !settings.UsesSqlServer || !settings.UsesAzureQueues;

    /// <summary>Looks at everything; what can't be reached is a finding too.</summary>
    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var findings = new List<Finding>();
        if (UsesDirectory)
        {
            findings.AddRange(LookAtDirectory());
        }

        (DatabaseFacts? facts, Finding database) = await LookAtDatabaseAsync(cancellationToken);
        findings.Add(database);
        if (facts is { Exists: true, Refusal: null } && facts.Version >= facts.ProgramVersion)
        {
            findings.AddRange(await LookAtDetectorsAsync(cancellationToken));
        }

        findings.Add(LookAtSigningKey(facts));
        findings.AddRange(LookAtApiKeys());
        findings.AddRange(await LookAtQueuesAsync(cancellationToken));
        findings.Add(LookAtClock(facts));
        if (UsesDirectory)
        {
            findings.Add(LookAtDisk("disk", settings.DataDirectory));
        }

        findings.Add(LookAtDisk("temporary files", Path.GetTempPath()));
        return findings;
    }

    private IEnumerable<Finding> LookAtDirectory()
    {
        string directory = settings.DataDirectory;
        if (!Directory.Exists(directory))
        {
            yield return File.Exists(directory)
                ? new Finding("data directory", Verdict.Problem, $"{directory} is a file.", "Give the name of a folder.")
                : NearestFolder(directory) is { } parent && CanWrite(parent)
                    ? new Finding(
                        "data directory", Verdict.Warning, $"{directory} does not exist yet.",
                        "The first program that starts makes it. If an installation exists already, give its folder.")
                    : new Finding("data directory", Verdict.Problem, $"{directory} does not exist and can't be made by this user.", "Make it, for this user.");
            yield break;
        }

        if (File.Exists(Path.Combine(directory, "restore.incomplete")))
        {
            yield return new Finding("data directory", Verdict.Problem, $"A restore into {directory} was interrupted.", "Run finance-ingest restore again.");
        }

        yield return CanWrite(directory)
            ? new Finding("data directory", Verdict.Fine, directory)
            : new Finding("data directory", Verdict.Problem, $"{directory} can't be written by this user.", "Run as its owner, or give it to this user.");
        IReadOnlyList<WideMode> wide = DataDirectoryModes.Look(directory);
        foreach (WideMode file in wide)
        {
            yield return new Finding(
                "file modes", Verdict.Warning, $"{file.Path} has the mode {PrivateFiles.Text(file.Mode)}: other users of this machine may use it.",
                file.IsShared
                    ? "It also holds other files; give the installation a directory of its own."
                    : "The next program that starts narrows it; on a mounted volume that it may not change, see docs/security.md.");
        }

        if (wide.Count == 0)
        {
            yield return new Finding("file modes", Verdict.Fine, OperatingSystem.IsWindows() ? "not looked at on Windows" : "only the owner may use the files");
        }
    }

    private async Task<(DatabaseFacts? Facts, Finding Finding)> LookAtDatabaseAsync(CancellationToken cancellationToken)
    {
        string target = "the database";
        try
        {
            target = services.GetRequiredService<IDatabaseMigrator>().Target;
            DatabaseFacts facts = await services.GetRequiredService<IDatabaseInspector>().InspectAsync(cancellationToken)
                .WaitAsync(patience, time, cancellationToken);
            string version = facts.Version.ToString(CultureInfo.InvariantCulture);
            string own = facts.ProgramVersion.ToString(CultureInfo.InvariantCulture);
            return (facts, !facts.Exists
                ? new Finding("database", Verdict.Fine, $"{target} does not exist yet; the first program that starts makes it.")
                : facts.Refusal is { } refusal ? new Finding("database", Verdict.Problem, $"{target} {refusal}", "Nothing was changed in it.")
                : facts.Version == 0 ? new Finding("database", Verdict.Problem, $"{target} has no schema of this system.", "Run finance-ingest migrate.")
                : facts.Version < facts.ProgramVersion
                    ? new Finding(
                        "database", settings.UsesSqlServer ? Verdict.Problem : Verdict.Warning,
                        $"{target} is at schema version {version}, older than this program's {own}.",
                        settings.UsesSqlServer ? "Back it up, then run finance-ingest migrate." : "Back it up; the first program that starts upgrades it.")
                : facts.Version > facts.ProgramVersion
                    ? new Finding(
                        "database", Verdict.Fine, $"{target}, schema version {version}; this program's is {own}, and it can use the later one.")
                : new Finding("database", Verdict.Fine, $"{target}, schema version {version}"));
        }
        catch (SettingsException e)
        {
            return (null, new Finding("database", Verdict.Problem, e.Message, "Nothing was changed in it."));
        }
        catch (StoreUnavailableException e)
        {
            return (null, new Finding("database", Verdict.Problem, $"{target}: {e.Message}", "Mend the database, or the setting that names it."));
        }
        catch (TimeoutException)
        {
            return (null, Silent("database", target));
        }
    }

    private async Task<IEnumerable<Finding>> LookAtDetectorsAsync(CancellationToken cancellationToken)
    {
        try
        {
            LearnedFacts learned = await services.GetRequiredService<IReplayStore>().ReadLearnedAsync(cancellationToken)
                .WaitAsync(patience, time, cancellationToken);
            return DetectorFindings.Of(settings, learned, time.GetUtcNow().UtcDateTime);
        }
        catch (Exception e) when (e is StoreUnavailableException or FormatException)
        {
            return [new Finding(DetectorFindings.Check, Verdict.Problem, e.Message, "Mend the database; a rollback to an older program may be why.")];
        }
        catch (TimeoutException)
        {
            return [Silent(DetectorFindings.Check, "the tables of what was learned")];
        }
    }

    private Finding LookAtSigningKey(DatabaseFacts? facts)
    {
        const string check = "signing key";
        string path = Path.Combine(settings.DataDirectory, "id-signing.key");
        if (settings.IdSigningKey is null && !File.Exists(path))
        {
            return facts?.KeyFingerprint is null
                ? new Finding(check, Verdict.Fine, $"{path} does not exist yet; the first program that starts makes it.")
                : new Finding(
                    check, Verdict.Problem, $"{path} is missing, and the database was made with one: repeats would not be recognised.",
                    "Put the key back from a backup before anything starts.");
        }

        string origin = settings.IdSigningKey is null ? path : "FinanceIngest__IdSigningKey";
        string fingerprint;
        try
        {
            fingerprint = services.GetRequiredService<IdCertifier>().Fingerprint;
        }
        catch (SettingsException e)
        {
            return new Finding(check, Verdict.Problem, e.Message, "Put the key back from a backup.");
        }

        return facts?.KeyFingerprint is { } remembered && remembered != fingerprint
            ? new Finding(
                check, Verdict.Problem, $"{origin} has the fingerprint {fingerprint}, but the database was made with {remembered}.",
                "Set the key with which the installation was made.")
            : settings.IdSigningKey is { Length: < ShortSecret }
                ? new Finding(
                    check, Verdict.Warning, $"{origin} has fewer than {ShortSecret} characters.",
                    "It can't be changed later: take a longer one for a new installation.")
            : new Finding(check, Verdict.Fine, $"{origin}, fingerprint {fingerprint}{(facts?.KeyFingerprint is null ? "" : ", as in the database")}");
    }

    private IEnumerable<Finding> LookAtApiKeys()
    {
        if (!settings.HasCredentials)
        {
            yield return new Finding(
                "API keys", Verdict.Warning, "There are none, so a server listens on this machine only and is open to everybody on it.",
                "Set FinanceIngest__ApiKeys__NAME__Secret for the server; its settings need not be those of this tool.");
            yield break;
        }

        foreach (ApiKeySetting key in settings.ApiKeys.Where(key => key.Secret.Length < ShortSecret))
        {
            yield return new Finding(
                "API keys", Verdict.Warning, $"The secret of '{key.Name}' has fewer than {ShortSecret} characters.", "Take 32 random bytes.");
        }

        yield return new Finding("API keys", Verdict.Fine, settings.ApiKeys.Count == 0 ? "tokens of an issuer" : Counted.Of(settings.ApiKeys.Count, "key"));
    }

    private async Task<IReadOnlyList<Finding>> LookAtQueuesAsync(CancellationToken cancellationToken)
    {
        Queues queues = services.GetRequiredService<Queues>();
        return await Task.WhenAll(queues.All.Select(async queue =>
        {
            try
            {
                QueueDepth depth = await queue.GetDepthAsync(cancellationToken).WaitAsync(patience, time, cancellationToken);
                return new Finding("queue", Verdict.Fine, $"{queue.Name}: {Counted.Of(depth.Length, "message")}");
            }
            catch (QueueUnavailableException e)
            {
                return e.Message.Contains("QueueNotFound", StringComparison.Ordinal) || e.Message.Contains("404", StringComparison.Ordinal)
                    ? new Finding(
                        "queue", Verdict.Warning, $"{queue.Name} does not exist yet.",
                        "The first program that starts makes it, where its identity may; else make it.")
                    : new Finding("queue", Verdict.Problem, e.Message, "Mend the queue, or the setting that names it; an identity needs the right to read it.");
            }
            catch (TimeoutException)
            {
                return Silent("queue", queue.Name);
            }
        }));
    }

    private Finding Silent(string check, string what) => new(
        check, Verdict.Problem, string.Create(CultureInfo.InvariantCulture, $"{what} did not answer within {patience.TotalSeconds} s."),
        "Is it running and reachable?");

    private Finding LookAtClock(DatabaseFacts? facts)
    {
        DateTimeOffset now = time.GetUtcNow();
        string shown = Timestamp.ToText(Timestamp.Truncate(now.UtcDateTime));
        return now < s_written ? new Finding("clock", Verdict.Problem, $"It is {shown} by this machine.", "Set the clock.")
            : facts?.Clock is { } server && (server - now.UtcDateTime).Duration() > s_clockTolerance
                ? new Finding(
                    "clock", Verdict.Warning, $"It is {shown} here, and {Timestamp.ToText(Timestamp.Truncate(server))} by the database.", "Set the clocks.")
            : facts?.NewestRow is { } newest && newest > now.UtcDateTime + s_clockTolerance
                ? new Finding(
                    "clock", Verdict.Warning, $"It is {shown} here, but the newest row was written at {Timestamp.ToText(newest)}.", "Was the clock put back?")
            : new Finding("clock", Verdict.Fine, shown);
    }

    private static Finding LookAtDisk(string check, string path)
    {
        try
        {
            long free = new DriveInfo(NearestFolder(path) ?? path).AvailableFreeSpace;
            string text = $"{(free / (double)Gibibyte).ToString("0.0", CultureInfo.InvariantCulture)} GiB free for {path}";
            return free < NoSpace ? new Finding(check, Verdict.Problem, text, "Make room: without it nothing is accepted.")
                : free < LittleSpace ? new Finding(check, Verdict.Warning, text, "Make room before it is full.")
                : new Finding(check, Verdict.Fine, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Finding(check, Verdict.Warning, $"The free space for {path} is unknown: {e.Message}");
        }
    }

    private static string? NearestFolder(string path)
    {
        string? folder = path;
        while (folder is not null && !Directory.Exists(folder))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder;
    }

    // Asks for the right instead of trying it: this program makes nothing.
    private static bool CanWrite(string folder) =>
        OperatingSystem.IsWindows() || NativeAccess.MayWrite(folder);
}
