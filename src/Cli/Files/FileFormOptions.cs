using System.CommandLine;
using System.CommandLine.Parsing;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Files;

/// <summary>The options that say how a CSV writes numbers and times.</summary>
internal sealed class FileFormOptions
{
    private readonly Option<bool> _decimalComma = new("--decimal-comma")
    {
        Description = "Numbers of the CSV have a comma before the decimals, such as -1.234,56.",
    };

    private readonly Option<bool> _accounting = new("--accounting")
    {
        Description = "Numbers of the CSV may be negative by brackets or a trailing minus, and have commas between groups of three digits: (1,234.50), 12.50-.",
    };

    private readonly Option<string?> _dateFormat = new("--date-format")
    {
        Description = "How the CSV writes occurred_at, such as %d.%m.%Y or '%m/%d/%Y %I:%M %p'. The directives are %Y %y %m %d %b %B %H %I %M %S %f %p %z %s.",
        HelpName = "FORMAT",
    };

    private readonly Option<string?> _timeZone = new("--time-zone")
    {
        Description = "The zone of times of the CSV that have no offset, such as Europe/Berlin, UTC or +05:30.",
        HelpName = "ZONE",
    };

    /// <summary>Adds the options of numbers and, if the file has them, of times to a command.</summary>
    public void AddTo(Command command, bool withTimes)
    {
        command.Options.Add(_decimalComma);
        command.Options.Add(_accounting);
        if (withTimes)
        {
            command.Options.Add(_dateFormat);
            command.Options.Add(_timeZone);
        }
    }

    /// <summary>Returns the forms that a command line asks for.</summary>
    /// <exception cref="CliException">A format or a zone is wrong, or the file is no CSV.</exception>
    public FileForms Read(ParseResult parsed, bool isCsv)
    {
        string? format = Text(parsed, _dateFormat);
        string? zone = Text(parsed, _timeZone);
        string? given = parsed.GetValue(_decimalComma) ? "--decimal-comma"
            : parsed.GetValue(_accounting) ? "--accounting"
            : format is not null ? "--date-format"
            : zone is not null ? "--time-zone"
            : null;
        if (!isCsv && given is not null)
        {
            throw CliException.WrongUse($"{given} is for .csv files only.");
        }

        return new FileForms(
            new NumberForm(parsed.GetValue(_decimalComma), parsed.GetValue(_accounting)),
            new TimeForm(format is null ? null : Compile(format), zone is null ? null : Find(zone)));
    }

    private static string? Text(ParseResult parsed, Option<string?> option) => parsed.GetResult(option) is OptionResult result ? result.GetValue(option) : null;

    private static DateForm Compile(string format) => DateForm.Compile(format, out DateForm form) is { } problem
        ? throw CliException.WrongUse($"--date-format {problem}.")
        : form;

    private static LocalZone Find(string name) => LocalZone.Find(name)
        ?? throw CliException.WrongUse($"--time-zone: there is no zone {name}; zones are named as in the IANA database, such as Europe/Berlin, or +05:30.");
}
