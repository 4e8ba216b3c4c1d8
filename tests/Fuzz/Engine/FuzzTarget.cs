namespace FinanceIngest.Fuzz.Engine;

/// <summary>A parser, and the properties that it must have for every input.</summary>
internal abstract class FuzzTarget
{
    /// <summary>The target's name on the command line, and the name of its folder in the corpus.</summary>
    public abstract string Name { get; }

    /// <summary>The properties, in one line.</summary>
    public abstract string Properties { get; }

    /// <summary>Texts that have a meaning in the target's grammar.</summary>
    public abstract IReadOnlyList<string> Tokens { get; }

    /// <summary>The longest input that is made, in bytes.</summary>
    public virtual int LongestInput => 4096;

    /// <summary>Returns the largest number of bytes that running an input may allocate, including its checks.</summary>
    /// <param name="length">The length of the input in bytes.</param>
    public virtual long AllocationLimit(int length) => (1L << 20) + (4096L * length);

    /// <summary>Reads the input and checks the properties.</summary>
    /// <returns>The outcome in few words. Inputs with new outcomes are kept.</returns>
    /// <exception cref="PropertyException">The input breaks a property. Any other exception is a finding too.</exception>
    public abstract string Run(byte[] input);
}

/// <summary>An input broke a property.</summary>
/// <param name="property">The property; the same fault always has the same text.</param>
/// <param name="detail">The values that broke the property.</param>
internal sealed class PropertyException(string property, string detail) : Exception($"{property}: {detail}")
{
    /// <summary>The broken property.</summary>
    public string Property { get; } = property;
}

/// <summary>Assertions of properties.</summary>
internal static class Property
{
    /// <summary>Throws unless the condition is true.</summary>
    public static void Holds(bool holds, string property, FormattableString detail)
    {
        if (!holds)
        {
            throw new PropertyException(property, FormattableString.Invariant(detail));
        }
    }

    /// <summary>Throws unless both values are equal.</summary>
    public static void Same<T>(T expected, T actual, string property)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new PropertyException(property, FormattableString.Invariant($"expected {expected}, was {actual}"));
        }
    }

    /// <summary>Throws unless both lists have equal items in the same order.</summary>
    public static void SameItems<T>(IReadOnlyList<T> expected, IReadOnlyList<T> actual, string property)
    {
        Holds(expected.Count == actual.Count, property, $"expected {expected.Count} items, were {actual.Count}");
        for (int i = 0; i < expected.Count; i++)
        {
            Holds(EqualityComparer<T>.Default.Equals(expected[i], actual[i]), property, $"item {i}: expected {expected[i]}, was {actual[i]}");
        }
    }
}
