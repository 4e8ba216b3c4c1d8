using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FinanceIngest.Ground;
using Spectre.Console;

namespace FinanceIngest.Cli.Running;

/// <summary>
/// A command's answer: for a program one JSON value on standard output; for a person text there, with tables on a terminal and
/// tab-separated lines elsewhere. Notes go to standard error.
/// </summary>
internal sealed class Report(CliHost host, bool json)
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether a program reads the answer.</summary>
    public bool Json => json;

    /// <summary>Writes the one JSON value.</summary>
    public void WriteJson(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            write(writer);
        }

        host.Output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>Writes a line for a person.</summary>
    public void WriteLine(string text) => host.Output.WriteLine(SafeText.Line(text));

    /// <summary>Writes lines for a person as they are, less what a terminal would obey.</summary>
    public void WriteLines(string text) => host.Output.WriteLine(SafeText.Lines(text));

    /// <summary>Writes rows for a person.</summary>
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

        // Ids are there to be copied: only the last column gives way on a narrow terminal.
        table.AddColumns([.. headings.Select((heading, i) => new TableColumn(new Text(heading)) { NoWrap = i < headings.Count - 1 })]);
        foreach (IReadOnlyList<string> row in rows)
        {
            table.AddRow(row.Select(cell => new Text(SafeText.Line(cell))));
        }

        ConsoleOn(host.Output).Write(table);
    }

    /// <summary>Writes a line to standard error.</summary>
    public void Note(string text) => host.Error.WriteLine(SafeText.Line(text));

    /// <summary>Asks on standard error; only a typed y or yes is one.</summary>
    public bool Confirm(string question)
    {
        host.Error.Write($"{SafeText.Line(question)} [y/N] ");
        host.Error.Flush();
        using var input = new StreamReader(host.OpenInput());
        return input.ReadLine()?.Trim().ToUpperInvariant() is "Y" or "YES";
    }

    /// <summary>Asks before something is gone for good, unless <paramref name="yes"/> says that it was decided already.</summary>
    /// <exception cref="CliException">Nobody can be asked.</exception>
    public bool MayRemove(bool yes, string what) =>
        yes || (host.IsInputTerminal && host.IsErrorTerminal && !json
            ? Confirm($"Remove {what} for good?")
            : throw CliException.WrongUse($"Nobody can be asked here whether to remove {what} for good: give --yes."));

    /// <summary>Spectre on a stream, which finds out by itself what the terminal can do.</summary>
    public static IAnsiConsole ConsoleOn(TextWriter writer) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
}
