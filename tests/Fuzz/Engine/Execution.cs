namespace FinanceIngest.Fuzz.Engine;

/// <summary>What came of one input.</summary>
/// <param name="Outcome">What the target said of it; null when something did not hold.</param>
/// <param name="Failure">What did not hold.</param>
/// <param name="Allocated">Bytes allocated on the thread that read.</param>
internal sealed record Execution(string? Outcome, Exception? Failure, long Allocated)
{
    /// <summary>What tells one fault from another while an input is made smaller.</summary>
    public string Fault => Failure switch
    {
        null => "",
        PropertyException property => property.Property,
        _ => $"{Failure.GetType().Name} at {Failure.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("FinanceIngest", StringComparison.Ordinal))?.Trim()}",
    };

    /// <summary>Runs a target on an input.</summary>
    public static Execution Of(FuzzTarget target, byte[] input)
    {
        Execution execution = Once(target, input);
        if (execution.Failure is null && execution.Allocated > target.AllocationLimit(input.Length))
        {
            // Caches that are filled the first time are no cost of the input.
            execution = Once(target, input);
            if (execution.Failure is null && execution.Allocated > target.AllocationLimit(input.Length))
            {
                return execution with
                {
                    Failure = new PropertyException(
                        "memory in proportion to the input", FormattableString.Invariant($"{input.Length} bytes made {execution.Allocated} bytes be allocated; the limit is {target.AllocationLimit(input.Length)}")),
                };
            }
        }

        return execution;
    }

    private static Execution Once(FuzzTarget target, byte[] input)
    {
        // The target may change what it is given.
        byte[] copy = [.. input];
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            string outcome = target.Run(copy);
            return new Execution(outcome, null, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        catch (Exception e)
        {
            return new Execution(null, e, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }
}
