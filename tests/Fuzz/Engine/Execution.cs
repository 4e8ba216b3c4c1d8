namespace FinanceIngest.Fuzz.Engine;

/// <summary>The result of running one input.</summary>
/// <param name="Outcome">The outcome that the target returned; null after a failure.</param>
/// <param name="Failure">The broken property or another exception; null when there was none.</param>
/// <param name="Allocated">Bytes that the running thread allocated.</param>
internal sealed record Execution(string? Outcome, Exception? Failure, long Allocated)
{
    /// <summary>The identity of the failure: a smaller input must fail with the same one.</summary>
    public string Fault => Failure switch
    {
        null => "",
        PropertyException property => property.Property,
        _ => $"{Failure.GetType().Name} at "
            + $"{Failure.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("FinanceIngest", StringComparison.Ordinal))?.Trim()}",
    };

    /// <summary>Runs a target on an input.</summary>
    public static Execution Of(FuzzTarget target, byte[] input)
    {
        Execution execution = Once(target, input);
        if (execution.Failure is null && execution.Allocated > target.AllocationLimit(input.Length))
        {
            // The second run does not pay for caches that the first run filled.
            execution = Once(target, input);
            if (execution.Failure is null && execution.Allocated > target.AllocationLimit(input.Length))
            {
                return execution with
                {
                    Failure = new PropertyException(
                        "memory in proportion to the input",
                        FormattableString.Invariant(
                            $"{input.Length} bytes allocated {execution.Allocated} bytes; the limit is {target.AllocationLimit(input.Length)}")),
                };
            }
        }

        return execution;
    }

    private static Execution Once(FuzzTarget target, byte[] input)
    {
        // The target may change its input.
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
