namespace FinanceIngest.Detection;

/// <summary>What the encodings of states, priors and contributions have in common: the first byte is the version, and a version has one length.</summary>
internal static class EncodedBytes
{
    /// <summary>Ends quietly where the bytes are of a version that this program knows.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="version">The version that this program reads.</param>
    /// <param name="size">The number of bytes of that version.</param>
    /// <param name="subject">What the bytes are, as the subject of the message.</param>
    /// <exception cref="FormatException">The bytes are of another version or length.</exception>
    public static void Require(ReadOnlySpan<byte> source, byte version, int size, string subject)
    {
        if (source.Length != size || source[0] != version)
        {
            string found = source.IsEmpty ? "no bytes" : $"{source.Length} bytes and version {source[0]}";
            throw new FormatException($"{subject} has {found}; this program reads version {version} of {size} bytes.");
        }
    }
}
