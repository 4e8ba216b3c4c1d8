namespace FinanceIngest.Cli.Files;

/// <summary>One line of a text file, without its line end.</summary>
/// <param name="Number">The line's number, from 1.</param>
/// <param name="Text">The bytes of the line; empty when the line is too long to be read.</param>
/// <param name="IsTooLong">Whether the line is longer than <see cref="LineReader.LongestLine"/>.</param>
internal readonly record struct SourceLine(long Number, ReadOnlyMemory<byte> Text, bool IsTooLong)
{
    /// <summary>Returns the line with bytes of its own, which stay as they are when the next line is read.</summary>
    public SourceLine Copy() => this with { Text = Text.ToArray() };
}
