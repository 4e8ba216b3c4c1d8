using System.Text.Json;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>The standard input of a child process. Reading a deadly message from it ends the child.</summary>
internal sealed class DeadlyInput(TextReader input, Control control) : TextReader
{
    public override string? ReadLine()
    {
        string? line = input.ReadLine();
        if (line is not null && control.IsDeadly(TextOf(line)))
        {
            control.DieAlone("read of a deadly message by itself");
        }

        return line;
    }

    private static string TextOf(string line)
    {
        using var message = JsonDocument.Parse(line);
        return message.RootElement.GetProperty("Text").GetString()!;
    }
}
