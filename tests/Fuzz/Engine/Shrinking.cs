namespace FinanceIngest.Fuzz.Engine;

/// <summary>Reduces a folder to the inputs that differ in behaviour.</summary>
internal static class Shrinking
{
    /// <summary>Deletes the inputs that behave as a smaller input of the folder does.</summary>
    /// <returns>The program's exit code.</returns>
    public static int Run(FuzzTarget target, string root, Coverage? coverage)
    {
        var outcomes = new HashSet<string>();
        int deleted = 0;
        IReadOnlyList<(string Name, byte[] Bytes)> files = CorpusFolder.Read(root, target);
        foreach ((string name, byte[] bytes) in files.OrderBy(file => file.Bytes.Length))
        {
            coverage?.Begin();
            string? outcome = Execution.Of(target, bytes).Outcome;

            // Both are evaluated, because each records the input.
            bool edges = coverage?.HasNews() ?? false;
            if (!(outcomes.Add(outcome ?? "") | edges))
            {
                File.Delete(Path.Combine(root, target.Name, name));
                deleted++;
            }
        }

        Console.WriteLine($"{target.Name}: {deleted} of {files.Count} inputs deleted");
        return 0;
    }
}
