using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FinanceIngest.Ground;
using Spectre.Console;

namespace FinanceIngest.Cli.Running;

/// <summary>
/// Writes a command's answer to standard output: one JSON value for programs, or text for people, in which lists are tables on a terminal and tab-separated
/// lines otherwise. Notes go to standard error.
/// </summary>
internal sealed class Report(CliHost host, bool json)
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether the answer is one JSON value.</summary>
    public bool Json => json;

    /// <summary>Writes the answer as JSON.</summary>
    public void WriteJson(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            write(writer);
        }

        host.HasAnswered = true;
        host.Output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>Writes one line of text.</summary>
    public void WriteLine(string text) => host.Output.WriteLine(SafeText.Line(text));

    /// <summary>Writes several lines, with control characters escaped.</summary>
    public void WriteLines(string text) => host.Output.WriteLine(SafeText.Lines(text));

    /// <summary>Writes rows as a table.</summary>
    public void WriteTable(IReadOnlyList<string> headings, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (!host.IsOutputTerminal)
        {
            host.Output.WriteLine(string.Join('\t', headings));
            foreach (IReadOnlyList<string> row in rows)
            {
                host.Output.WriteLine(string.Join('\t', row.Select(SafeText.Line)));
            }

            return;
        }

        var table = new Table { Border = TableBorder.Rounded };

        // Ids must stay on one line, so that they can be copied: only the last column wraps on a narrow terminal.
        table.AddColumns([.. headings.Select((heading, i) => new TableColumn(new Text(heading)) { NoWrap = i < headings.Count - 1 })]);
        foreach (IReadOnlyList<string> row in rows)
        {
            table.AddRow(row.Select(cell => new Text(SafeText.Line(cell))));
        }

        ConsoleOn(host.Output).Write(table);
    }

    /// <summary>Writes one line to standard error.</summary>
    public void Note(string text) => host.Error.WriteLine(SafeText.Line(text));

    /// <summary>Asks a question on standard error; returns true only for y or yes.</summary>
    public bool Confirm(string question)
    {
        host.Error.Write($"{SafeText.Line(question)} [y/N] ");
        host.Error.Flush();
        using var input = new StreamReader(host.OpenInput());
        return input.ReadLine()?.Trim().ToUpperInvariant() is "Y" or "YES";
    }

    /// <summary>Asks for permission to remove something for good, unless <paramref name="yes"/> grants it.</summary>
    /// <exception cref="CliException">There is no terminal on which to ask.</exception>
    public bool MayRemove(bool yes, string what) =>
        yes || (host.IsInputTerminal && host.IsErrorTerminal && !json
            ? Confirm($"Remove {what} for good?")
            : throw CliException.WrongUse($"There is no terminal to ask whether to remove {what} for good: give --yes."));

    /// <summary>Returns a console of Spectre.Console, which detects the abilities of the terminal.</summary>
    public static IAnsiConsole ConsoleOn(TextWriter writer) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
}
