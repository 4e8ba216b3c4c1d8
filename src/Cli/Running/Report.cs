using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FinanceIngest.Ground;
using Spectre.Console;

namespace FinanceIngest.Cli.Running;

/// <summary>
/// Writes a command's answer to standard output: one JSON value for programs, or text for people, in which lists are tables on a terminal (blocks, where it
/// is too narrow for their rows) and tab-separated lines otherwise. Notes go to standard error.
/// </summary>
internal sealed class Report(CliHost host, bool json)
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Rows of a table on a terminal that are laid out, and held, together.</summary>
    public const int PageRows = 200;

    /// <summary>Bytes of a JSON list that are held before it is written.</summary>
    public const int HeldJson = 1024 * 1024;

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

        foreach (string line in TextTable.Lines(headings, [.. rows.Select(row => row.Select(SafeText.Line).ToArray())], host.OutputWidth()))
        {
            host.Output.WriteLine(line);
        }
    }

    /// <summary>
    /// Writes rows as they come, so that any number of them takes little memory: on a terminal in tables of <see cref="PageRows"/> rows, each with its headings
    /// and its own widths.
    /// </summary>
    /// <returns>How many rows there were; with none, nothing is written.</returns>
    public async Task<long> WriteTableAsync(IReadOnlyList<string> headings, IAsyncEnumerable<IReadOnlyList<string>> rows, CancellationToken cancellationToken)
    {
        long count = 0;
        var page = new List<string[]>(PageRows);
        await foreach (IReadOnlyList<string> row in rows.WithCancellation(cancellationToken))
        {
            if (count++ == 0 && !host.IsOutputTerminal)
            {
                host.Output.WriteLine(string.Join('\t', headings));
            }

            page.Add([.. row.Select(SafeText.Line)]);
            if (page.Count == PageRows)
            {
                WritePage(headings, page, isFirst: count == PageRows);
            }
        }

        if (page.Count > 0)
        {
            WritePage(headings, page, isFirst: count < PageRows);
        }

        return count;
    }

    private void WritePage(IReadOnlyList<string> headings, List<string[]> page, bool isFirst)
    {
        if (!host.IsOutputTerminal)
        {
            page.ForEach(row => host.Output.WriteLine(string.Join('\t', row)));
        }
        else
        {
            IEnumerable<string> lines = TextTable.Lines(headings, page, host.OutputWidth());
            foreach (string line in isFirst ? lines : lines.Prepend(""))
            {
                host.Output.WriteLine(line);
            }
        }

        page.Clear();
    }

    /// <summary>
    /// Writes a list as one JSON array as its items come. A list that fails before <see cref="HeldJson"/> bytes of it are there leaves standard output empty; a
    /// longer one ends in the middle.
    /// </summary>
    /// <returns>How many items there were.</returns>
    public async Task<long> WriteJsonAsync<T>(IAsyncEnumerable<T> items, Action<Utf8JsonWriter, T> write, CancellationToken cancellationToken)
    {
        long count = 0;
        var buffer = new ArrayBufferWriter<byte>();
        await using var writer = new Utf8JsonWriter(buffer, s_options);
        writer.WriteStartArray();
        await foreach (T item in items.WithCancellation(cancellationToken))
        {
            write(writer, item);
            count++;
            if (buffer.WrittenCount + writer.BytesPending > HeldJson)
            {
                Flush();
            }
        }

        writer.WriteEndArray();
        Flush();
        host.Output.WriteLine();
        return count;

        void Flush()
        {
            // What is pending ends with a whole value, so that no character is cut in two.
            writer.Flush();
            host.HasAnswered = true;
            host.Output.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
            buffer.ResetWrittenCount();
        }
    }

    /// <summary>Writes the fields of one record, each with its name.</summary>
    public void WriteFields(IEnumerable<(string Name, string Value)> fields)
    {
        (string Name, string Value)[] clean = [.. fields.Select(field => (field.Name, SafeText.Line(field.Value)))];
        foreach (string line in host.IsOutputTerminal ? TextTable.Fields(clean, host.OutputWidth()) : TextTable.Fields(clean, int.MaxValue))
        {
            host.Output.WriteLine(line);
        }
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
    public bool MayRemove(bool yes, string what) => May(yes, $"remove {what} for good");

    /// <summary>Whether a person can be asked something.</summary>
    public bool CanAsk => host.IsInputTerminal && host.IsErrorTerminal && !json;

    /// <summary>Asks for permission to do something that can't be undone, unless <paramref name="yes"/> grants it.</summary>
    /// <param name="yes">Whether the command line grants it.</param>
    /// <param name="what">What would be done, such as <c>remove 3 messages for good</c>.</param>
    /// <exception cref="CliException">There is no terminal on which to ask.</exception>
    public bool May(bool yes, string what) =>
        yes || (CanAsk
            ? Confirm($"{char.ToUpperInvariant(what[0])}{what[1..]}?")
            : throw CliException.WrongUse($"There is no terminal to ask whether to {what}: give --yes."));

    /// <summary>Returns a console of Spectre.Console, which detects the abilities of the terminal.</summary>
    public static IAnsiConsole ConsoleOn(TextWriter writer) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
}
