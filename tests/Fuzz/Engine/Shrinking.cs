namespace FinanceIngest.Fuzz.Engine;

/// <summary>Takes out of a folder the inputs that add nothing to the smaller ones beside them.</summary>
internal static class Shrinking
{
    /// <summary>Deletes them.</summary>
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

            // Both are looked at: what is new to one may be known to the other.
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
