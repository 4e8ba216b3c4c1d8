using System.CommandLine;
using System.CommandLine.Parsing;
using FinanceIngest.Backup;
using FinanceIngest.Cli.Baselines;
using FinanceIngest.Cli.Detecting;
using FinanceIngest.Cli.Inspection;
using FinanceIngest.Cli.Notifications;
using FinanceIngest.Cli.Poison;
using FinanceIngest.Cli.Queueing;
using FinanceIngest.Cli.Results;
using FinanceIngest.Cli.Retention;
using FinanceIngest.Cli.Storage;
using FinanceIngest.Cli.Submitting;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Storage;

namespace FinanceIngest.Cli.Running;

/// <summary>Runs the commands. Each ends with an exit code, and a failed one with one line on standard error.</summary>
internal static class CommandLine
{
    /// <summary>Exit code after Ctrl-C: 128 + SIGINT, the convention of shells.</summary>
    public const int Interrupted = 130;

    // The time that an interrupted command has to return leased messages.
    private static readonly TimeSpan s_interruptPatience = TimeSpan.FromSeconds(10);

    /// <summary>Runs one command line and returns its exit code.</summary>
    public static async Task<int> RunAsync(string[] args, CliHost host)
    {
        var options = new GlobalOptions();
        ParseResult parsed = CreateRoot(host, options).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            return Fail(host, parsed, options, $"{Describe(parsed)} Try: finance-ingest {CommandPath(parsed)}--help", ProgramHost.WrongUse);
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = host.Output,
                Error = host.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = s_interruptPatience,
            });
        }
        catch (OperationCanceledException)
        {
            return Fail(host, parsed, options, "Interrupted.", Interrupted);
        }
        catch (Exception e)
        {
            return Fail(host, parsed, options, SafeText.Line(MessageOf(e)), ExitCodeOf(e));
        }
    }

    // With --json, standard output holds one JSON value also when the run as a whole fails.
    private static int Fail(CliHost host, ParseResult parsed, GlobalOptions options, string problem, int exitCode)
    {
        if (exitCode != Interrupted)
        {
            host.Error.WriteLine(problem);
        }

        if (parsed.GetResult(options.Json) is { Implicit: false } && !host.HasAnswered)
        {
            new Report(host, json: true).WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteString("problem", problem);
                json.WriteEndObject();
            });
        }

        return exitCode;
    }

    private static RootCommand CreateRoot(CliHost host, GlobalOptions options)
    {
        var root = new RootCommand(
            "The tool for operators of FinanceIngest: database, baselines, transactions, results, detectors, queues, poison messages, notifications, "
                + "retention, backups.")
        {
            MigrateCommand.Create(host, options),
            new Command("stats", "Imports and exports baselines: mean, standard deviation and number of samples of each user and category.")
            {
                StatsImportCommand.Create(host, options),
                StatsExportCommand.Create(host, options),
            },
            SubmitCommand.Create(host, options),
            GetCommand.Create(host, options),
            AnomaliesCommand.Create(host, options),
            ConflictsCommand.Create(host, options),
            new Command("queue", "Shows the queues, and clears the alert queue.")
            {
                QueueStatusCommand.Create(host, options),
                QueuePeekCommand.Create(host, options),
                QueueClearCommand.Create(host, options),
            },
            new Command("poison", "Shows messages that could not be processed, puts them back, or drops them.")
            {
                PoisonListCommand.Create(host, options),
                PoisonShowCommand.Create(host, options),
                PoisonRedriveCommand.Create(host, options),
                PoisonDropCommand.Create(host, options),
            },
            new Command("detectors", "Checks what detectors have learned, makes it anew, and compares shadow detectors with the one that decides.")
            {
                DetectorsVerifyCommand.Create(host, options),
                DetectorsRebuildCommand.Create(host, options),
                DetectorsCompareCommand.Create(host, options),
            },
            ReplayCommand.Create(host, options),
            new Command("notify", "Sets up the notifier's channels, and shows what was told to whom.")
            {
                NotifyKeysCommand.Create(host, options),
                NotifyTestCommand.Create(host, options),
                NotifyListCommand.Create(host, options),
                NotifyAgainCommand.Create(host, options),
            },
            PurgeCommand.Create(host, options),
            new Command("user", "Handles the data of one person.") { UserEraseCommand.Create(host, options) },
            BackupCommand.Create(host, options),
            RestoreCommand.Create(host, options),
            DoctorCommand.Create(host, options),
        };
        root.Options.Add(options.Json);
        root.Options.Add(options.DataDirectory);
        return root;
    }

    // An error about an argument or option says more than one about the command, such as a missing argument; without one, the last error is shown.
    private static string Describe(ParseResult parsed)
    {
        ParseError error = parsed.Errors.FirstOrDefault(error => error.SymbolResult is not CommandResult, parsed.Errors[^1]);
        return SafeText.Line(error.Message);
    }

    private static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (SymbolResult? symbol = parsed.CommandResult; symbol is CommandResult { Command: not RootCommand } command; symbol = symbol.Parent)
        {
            names.Push($"{command.Command.Name} ");
        }

        return string.Concat(names);
    }

    private static int ExitCodeOf(Exception e) => e switch
    {
        CliException own => own.ExitCode,
        SettingsException or InvalidDataException => ProgramHost.WrongUse,
        _ => ProgramHost.Failed,
    };

    // The messages of expected failures are complete; an unexpected exception is a bug, so its type is named too.
    private static string MessageOf(Exception e) => e switch
    {
        CliException or SettingsException or StoreUnavailableException or QueueUnavailableException or MigrationException or BackupException => e.Message,
        BaselineFileException or UnauthorizedAccessException or InvalidDataException => e.Message,
        _ when ConnectionFailure.IsOne(e) => e.Message,
        _ => $"Unexpected {e.GetType().Name}: {e.Message}",
    };
}
