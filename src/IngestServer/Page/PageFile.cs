using System.IO.Compression;

namespace FinanceIngest.IngestServer.Page;

/// <summary>A file of the page, compressed once.</summary>
internal sealed class PageFile(string contentType, byte[] content)
{
    // The highest quality, 11, takes eighteen times as long for a twelfth less, and whoever comes first waits for it.
    private static readonly BrotliCompressionOptions s_brotliOptions = new() { Quality = 9 };

    private readonly Lazy<byte[]> _brotli = new(() => Compressed(content, target => new BrotliStream(target, s_brotliOptions)));
    private readonly Lazy<byte[]> _gzip = new(() => Compressed(content, target => new GZipStream(target, CompressionLevel.SmallestSize)));

    /// <summary>The media type.</summary>
    public string ContentType => contentType;

    /// <summary>The file as it is.</summary>
    public ReadOnlyMemory<byte> Content => content;

    /// <summary>The file in the best encoding that a client takes.</summary>
    /// <param name="accepted">The header <c>Accept-Encoding</c>; null: absent.</param>
    public (string? Encoding, ReadOnlyMemory<byte> Body) For(string? accepted)
    {
        string[] encodings = [.. (accepted ?? "").Split(',').Select(part => part.Split(';')[0].Trim().ToLowerInvariant())];
        return encodings.Contains("br") ? ("br", _brotli.Value)
            : encodings.Contains("gzip") ? ("gzip", _gzip.Value)
            : (null, content);
    }

    private static byte[] Compressed(byte[] content, Func<Stream, Stream> encoder)
    {
        using var target = new MemoryStream();
        using (Stream encoded = encoder(target))
        {
            encoded.Write(content);
        }

        return target.ToArray();
    }
}
