namespace FinanceIngest.Fuzz.Engine;

/// <summary>One parser and what must hold of it for every input.</summary>
internal abstract class FuzzTarget
{
    /// <summary>Its name on the command line, and of its folder of the corpus.</summary>
    public abstract string Name { get; }

    /// <summary>What must hold, in one line.</summary>
    public abstract string Properties { get; }

    /// <summary>Texts that its grammar gives a meaning to.</summary>
    public abstract IReadOnlyList<string> Tokens { get; }

    /// <summary>Longest input that is made, in bytes.</summary>
    public virtual int LongestInput => 4096;

    /// <summary>Most bytes that reading an input may allocate, checks included. Above it the input costs more memory than it has any right to.</summary>
    /// <param name="length">Bytes of the input.</param>
    public virtual long AllocationLimit(int length) => (1L << 20) + (4096L * length);

    /// <summary>Reads the input and checks what must hold.</summary>
    /// <returns>How the reading went, in few words: inputs that go differently are worth keeping.</returns>
    /// <exception cref="PropertyException">Something does not hold. Every other exception that gets out is a finding too.</exception>
    public abstract string Run(byte[] input);
}

/// <summary>A property does not hold.</summary>
/// <param name="property">Which; the same text for the same fault.</param>
/// <param name="detail">What was seen.</param>
internal sealed class PropertyException(string property, string detail) : Exception($"{property}: {detail}")
{
    /// <summary>Which property.</summary>
    public string Property { get; } = property;
}

/// <summary>Short ways to state properties.</summary>
internal static class Property
{
    /// <summary>Ends the run unless the property holds.</summary>
    public static void Holds(bool holds, string property, FormattableString detail)
    {
        if (!holds)
        {
            throw new PropertyException(property, FormattableString.Invariant(detail));
        }
    }

    /// <summary>Ends the run unless both are equal.</summary>
    public static void Same<T>(T expected, T actual, string property)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new PropertyException(property, FormattableString.Invariant($"expected {expected}, was {actual}"));
        }
    }

    /// <summary>Ends the run unless both hold the same, in the same order.</summary>
    public static void SameItems<T>(IReadOnlyList<T> expected, IReadOnlyList<T> actual, string property)
    {
        Holds(expected.Count == actual.Count, property, $"expected {expected.Count} items, were {actual.Count}");
        for (int i = 0; i < expected.Count; i++)
        {
            Holds(EqualityComparer<T>.Default.Equals(expected[i], actual[i]), property, $"item {i}: expected {expected[i]}, was {actual[i]}");
        }
    }
}
